/** What the upstream tells whoever asks it. */

/** Last segment of a path that asks for the credentials that arrived. */
export const WHO_AM_I = 'who-am-i';

/** The credentials that arrived. */
export interface Arrived {
  readonly authorization?: string;
  readonly txnToken?: string;
}
