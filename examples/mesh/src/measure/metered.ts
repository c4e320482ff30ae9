/** A pipeline with a meter around it. */
import type { Pipeline } from '@watchword/core';
import { meter } from './meter.ts';

/** Measures what admitting a caller costs; changes nothing else. */
export function metered(pipeline: Pipeline): Pipeline {
  return {
    ...pipeline,
    admit(headers, requirement) {
      meter.countToken(headers);
      return meter.measure(() => pipeline.admit(headers, requirement));
    },
  };
}
