/** A figure with its name and unit. Keeps its place whatever its value. */
import type { JSX } from 'preact';
import type { Quantity } from './format.ts';

/** What to show. */
export interface FigureProps {
  readonly name: string;
  readonly quantity: Quantity;
  /** A line below: what it means or compares with. */
  readonly note?: string | undefined;
}

/** One entry of a `dl`. */
export function Figure({ name, quantity, note }: FigureProps): JSX.Element {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>
        <span class="value">{quantity.value}</span>
        <span class="unit">{quantity.unit}</span>
        <span class="note">{note ?? '\u00a0'}</span>
      </dd>
    </div>
  );
}
