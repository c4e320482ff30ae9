/** The listener for operators. */
import * as v from 'valibot';
import type { ListenConfig } from '../config.ts';
import { port, section, text } from '../forms.ts';

/** Where it listens, and who may change something through it. */
export interface ControlConfig extends ListenConfig {
  /**
   * File with the secret that `POST /revocations` and `POST /reload` have to bear, or with `sha256:` and its digest. Undefined: every
   * program on this machine may ask for them.
   */
  readonly secretFile?: string | undefined;
}

/** The section `control`. */
export const control: v.GenericSchema<Partial<ControlConfig>, ControlConfig> = section({
  host: v.optional(text, '127.0.0.1'),
  port: v.optional(port, 9090),
  secretFile: v.optional(text),
}) as v.GenericSchema<Partial<ControlConfig>, ControlConfig>;
