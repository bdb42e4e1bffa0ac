// Names of classes, people and sessions: the rules of collect/names.py, said while one types.
const MOST_CHARACTERS = 40;
const MOST_BYTES = 96;
const BETWEEN = { class: "-_ ", person: "-", session: "-" };
const SIGN = "[\\p{L}\\p{N}\\p{M}]";

/** What is wrong with a name, as the key of a sentence and its values; null where nothing is. */
export function nameProblem(part, typed) {
  const name = typed.trim().normalize("NFC");
  if (!name) return { key: `error.name_missing_${part}` };
  if ([...name].length > MOST_CHARACTERS || new TextEncoder().encode(name).length > MOST_BYTES) {
    return { key: "error.name_too_long", values: { most: MOST_CHARACTERS } };
  }
  if (!new RegExp(`^${SIGN}(?:[${BETWEEN[part]}]*${SIGN})*$`, "u").test(name)) return { key: `error.name_characters_${part}` };
  return null;
}

/** A session's name for today, as 2026-01-31. */
export function today() {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}
