/** The sentence below the table. */

/** @param saved share of the processor time for verification; may come out below 0 where a run is short and the machine busy */
export function savingText(saved: number): string {
  return saved > 0
    ? `Verifying once saves ${(saved * 100).toFixed(1)} % of the CPU that goes into verification.`
    : 'Verifying once saved nothing in this run: it was too short, or the machine did something else. Try without --quick.';
}
