/** A pipeline with a meter around it. */
import type { Pipeline } from '@watchword/core';
import { meter } from './meter.ts';

/** Measures what admitting a caller costs; changes nothing else. */
export function metered(pipeline: Pipeline): Pipeline {
  return {
    ...pipeline,
    admit(headers, requirement) {
      const admitted = meter.measure(() => pipeline.admit(headers, requirement));
      // Afterwards: who looks first pays for the fields to come into the processor's caches.
      meter.countToken(headers);
      return admitted;
    },
  };
}
