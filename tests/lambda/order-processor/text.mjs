// @ts-check
import fc from "fast-check";

const SURROGATES = { first: 0xd800, count: 0x800 };
const character = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES.count })
  .map((n) => String.fromCodePoint(n < SURROGATES.first ? n : n + SURROGATES.count));

/** Any well-formed text. fast-check's own unit "binary" is the same, after half a second for a list of all characters. */
export const anyText = fc.string({ unit: character });
