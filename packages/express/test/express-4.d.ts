/** Express 4 under another name; the types of 5 are near enough for a test. */
declare module 'express-4' {
  import express from 'express';

  export default express;
}
