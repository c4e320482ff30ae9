/** How much work it is to guess a text: an estimate in bits, of the kind that password meters make. */
import { GUESSABLE_WORDS } from './guessable-words.ts';

/** The estimate next to what a random text of this length and alphabet would have. */
export interface GuessCost {
  readonly bits: number;
  readonly randomBits: number;
}

/** One of the few hundred words that secrets are made of, or three and more keys in a row. */
const WORD_BITS = 6;
const WALK_LENGTH = 3;
/** A piece of at least four characters that stood earlier in the text. */
const REPEAT_BITS = 8;
const REPEAT_LENGTH = 4;
/** The same character again, the next one in a row, and the separator between words from its second appearance on. */
const AGAIN_BITS = 1;
/** The second letter of a pair that is frequent in language. */
const FREQUENT_PAIR_BITS = 2;
const DIGIT_BITS = Math.log2(10);

/** The cheapest way to spell `text` out of words, walks over the keyboard, repetitions and single characters. */
export function guessCost(text: string): GuessCost {
  const alphabetBits = Math.log2(alphabetSize(text));
  const lower = text.toLowerCase();
  const letters = readLeet(lower);
  // cheapest[n]: bits for the first n characters.
  const cheapest = new Float64Array(text.length + 1).fill(Infinity);
  cheapest[0] = 0;
  const offer = (end: number, bits: number): void => {
    if (bits < cheapest[end]!) cheapest[end] = bits;
  };
  for (let at = 0; at < text.length; at += 1) {
    const sofar = cheapest[at]!;
    offer(at + 1, sofar + characterBits(text, at, alphabetBits));
    for (const word of WORDS_BY_START.get(letters.slice(at, at + 2)) ?? []) {
      if (letters.startsWith(word, at)) offer(at + word.length, sofar + WORD_BITS);
    }
    for (let length = WALK_LENGTH; isWalk(lower, at, length); length += 1) offer(at + length, sofar + WORD_BITS);
    for (let length = REPEAT_LENGTH; isRepeated(text, at, length); length += 1) offer(at + length, sofar + REPEAT_BITS);
  }
  return { bits: cheapest[text.length]!, randomBits: text.length * alphabetBits };
}

function alphabetSize(text: string): number {
  if (/[^\x20-\x7e]/.test(text)) return 256;
  if (/^[0-9a-f]*$/.test(text) || /^[0-9A-F]*$/.test(text)) return /[a-f]/i.test(text) ? 16 : 10;
  const classes: [RegExp, number][] = [
    [/[0-9]/, 10],
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/[^0-9A-Za-z]/, 33],
  ];
  return classes.reduce((size, [pattern, count]) => (pattern.test(text) ? size + count : size), 0);
}

const LEET: Readonly<Record<string, string>> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', $: 's', '@': 'a', '!': 'i' };

function readLeet(lower: string): string {
  return lower.replaceAll(/[013457$@!]/g, (sign) => LEET[sign]!);
}

function characterBits(text: string, at: number, alphabetBits: number): number {
  const character = text[at]!;
  if (goesOn(text, at)) return AGAIN_BITS;
  if (/[ -/:-@[-`{-~]/.test(character) && text.indexOf(character) < at) return AGAIN_BITS;
  const pair = text.slice(Math.max(at - 1, 0), at + 1);
  if (FREQUENT_PAIRS.has(pair)) return FREQUENT_PAIR_BITS;
  return /^\d\d$/.test(pair) ? Math.min(DIGIT_BITS, alphabetBits) : alphabetBits;
}

/** Whether the character is the same as the last, or follows from the last two: 3, 5, 7. */
function goesOn(text: string, at: number): boolean {
  const step = text.charCodeAt(at) - text.charCodeAt(at - 1);
  return step === 0 || step === text.charCodeAt(at - 1) - text.charCodeAt(at - 2);
}

function isWalk(lower: string, at: number, length: number): boolean {
  return at + length <= lower.length && WALKS.includes(lower.slice(at, at + length));
}

function isRepeated(text: string, at: number, length: number): boolean {
  return at + length <= text.length && text.slice(0, at + length - 1).includes(text.slice(at, at + length));
}

const WORDS_BY_START: ReadonlyMap<string, readonly string[]> = Map.groupBy(GUESSABLE_WORDS, (word) => word.slice(0, 2));

/** Alphabet, digits, rows and columns of keyboards, and the sequence of a well-known key generator that takes every third letter. */
const WALKS_FORWARD = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertzuiop',
  'yxcvbnm',
  'azertyuiop',
  'qsdfghjklm',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '1q2w3e4r5t6y7u8i9o0p',
  '!@#$%^&*()',
  'n2r5u8x/a?d(g+kbpeshvmyq3t6w9z$c&f)j@ncrfujxn',
  '/b?e(h+mbqethwmzq4t7w!z%c*f-jandrgukxp2s5v8y/',
  'jmcqftjwnzr4u7x!a%d*g-kapdsgvkyp',
];
const WALKS = WALKS_FORWARD.flatMap((walk) => [walk, [...walk].toReversed().join('')]).join('\n');

/** The most frequent pairs of letters of English, in small and in capital letters. */
const FREQUENT_PAIRS: ReadonlySet<string> = new Set(
  (
    'th he in er an re nd on en at ou ed ha to or it is hi es ng st ar te se me of ve le ti io ri ro ea ra ce li ch ll be ma si om ur ic ' +
    'ne co de as nt al el ta la us ca il di no em pe ho ge ac et ec tr ns so ss ee we wa ei ot wh sh ow ie ai lo po mo ad id im am un ul ' +
    'ke ay ly my ut do su rs pr ct fo op vi fe ev bl go wi ck ex up bo na ni mi sa da ty ry if rd ld'
  )
    .split(' ')
    .flatMap((pair) => [pair, pair.toUpperCase()]),
);
