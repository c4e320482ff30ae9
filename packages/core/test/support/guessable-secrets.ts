/** Secrets as people really choose them, put together from a grammar: never random, always long enough for their algorithm. */

const NOUNS = [
  'secret',
  'secret key',
  'jwt secret',
  'token',
  'password',
  'private key',
  'signing key',
  'session secret',
  'auth token',
  'passphrase',
];
const PRAISE = [
  'my',
  'super',
  'my super',
  'very',
  'very very',
  'ultra secure',
  'super long',
  'the most secure',
  'top',
  'some random',
  'a really long',
];
const ENDS = [
  '',
  '123',
  '2024',
  '!',
  'change me',
  'for development',
  'do not share',
  'please change this in production',
  '@123',
  'for my application',
];
const SPELLINGS: readonly ((words: string) => string)[] = [
  (words) => words,
  (words) => words.replaceAll(' ', ''),
  (words) => words.replaceAll(' ', '-'),
  (words) => words.replaceAll(' ', '_').toUpperCase(),
  (words) => words.replaceAll(/(?:^| )(.)/g, (_, first: string) => first.toUpperCase()),
  (words) => words.replaceAll('e', '3').replaceAll('o', '0').replaceAll('s', '5').replaceAll('a', '@').replaceAll(' ', ''),
];
const SHORT = [
  'secret',
  'changeme',
  'password1',
  'jwt-key',
  'qwerty123',
  'letmein!',
  'hunter2',
  'P@ssw0rd',
  'admin',
  'test',
  's3cr3t',
  'foobar',
  'your-256-bit-secret',
  'Tr0ub4dor&3',
  'abc123',
];
const WALKS = [
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  '1q2w3e4r5t6y',
  '1qaz2wsx3edc',
  '1234567890',
  'abcdefghijklmnopqrstuvwxyz',
  '0123456789abcdef',
  '!@#$%^&*()',
  'qazwsxedcrfv',
];
const SENTENCES = [
  'this is my secret and nobody will ever guess it',
  'never share this key with anyone or the company is lost',
  'the quick brown fox jumps over the lazy dog and runs away',
  'you should change this before going to production please',
  'to be or not to be that is the question whether tis nobler',
  'all your base are belong to us and so are your tokens now',
  'may the force be with you and with your json web tokens always',
  'correct horse battery staple is what the comic told us to use',
  'i love my cat more than anything else in this whole wide world',
  'there is no place like localhost and no secret like this one',
];

const times = (text: string, length: number): string => text.repeat(Math.ceil(length / text.length)).slice(0, length);

/** At least 1,200 different guessable secrets of at least `length` bytes each. */
export function guessableSecrets(length: number): readonly Buffer[] {
  const texts = [
    ...NOUNS.flatMap((noun) => PRAISE.flatMap((praise) => ENDS.map((end) => `${praise} ${noun} ${end}`.trim()))).map(
      (words, index) => stretch(SPELLINGS[index % SPELLINGS.length]!(words), length, index),
    ),
    ...[...SHORT, ...WALKS].flatMap((text) => [
      times(text, length),
      times(`${text}-`, length),
      text.padEnd(length, '0'),
      text.padEnd(length, '.'),
      text.padStart(length, 'x'),
      text + times('1234567890', length),
      [...times(text, length)].toReversed().join(''),
      Buffer.from(times(text, length)).toString('base64'),
      Buffer.from(times(text, length)).toString('base64url'),
      Buffer.from(times(text, length)).toString('hex'),
      Buffer.from(text.padEnd(length, '\0')).toString('base64'),
      Buffer.from(Buffer.from(times(text, length)).toString('base64')).toString('hex'),
    ]),
    ...SENTENCES.flatMap((sentence) => {
      const long = `${sentence} ${sentence}`.slice(0, Math.max(sentence.length, length));
      return SPELLINGS.map((spell) => spell(long)).concat(
        Buffer.from(long).toString('base64'),
        Buffer.from(long).toString('hex'),
      );
    }),
    ...['a', '0', ' ', 'ab', '01', '\u00ff', 'xyz!'].map((text) => times(text, length)),
  ].filter((text) => text.length >= length);
  const bytes = [
    ...texts.map((text) => Buffer.from(text, 'latin1')),
    ...SHORT.flatMap((text) => [
      Buffer.concat([Buffer.from(text), Buffer.alloc(length)]),
      Buffer.concat([Buffer.alloc(length), Buffer.from(text)]),
      Buffer.from(times(text, length), 'utf16le'),
      Buffer.concat([Buffer.from('\ufeff'), Buffer.from(times(text, length))]),
    ]),
    Buffer.from(Array.from({ length }, (_, index) => index)),
    Buffer.from(Array.from({ length }, (_, index) => 255 - index)),
    Buffer.alloc(length),
    Buffer.alloc(length, 0xff),
  ];
  return [...new Map(bytes.map((secret) => [secret.toString('hex'), secret])).values()];
}

// How people reach a length: the same again, a few figures, or filling.
function stretch(text: string, length: number, index: number): string {
  if (text.length >= length) return text;
  const ways = [
    times(`${text}_`, length),
    text + times('1234567890', length - text.length),
    text.padEnd(length, '!'),
    times(text, length),
  ];
  return ways[index % ways.length]!;
}
