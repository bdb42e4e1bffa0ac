// Asks the server; what it refuses becomes an error with a sentence in the reader's language.
import { hasText, t } from "./i18n.js";

export class RefusedError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Sends a request and returns the parsed JSON of the answer; `json` is sent as the body. */
export async function ask(path, { method = "GET", json, body, headers = {} } = {}) {
  if (json !== undefined) {
    body = JSON.stringify(json);
    headers = { ...headers, "Content-Type": "application/json" };
  }
  let answer;
  try {
    answer = await fetch(path, { method, body, headers });
  } catch {
    throw new RefusedError(0, "unreachable", t("error.unreachable"));
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  const key = `error.${content.code}`;
  const sentence = hasText(key) ? t(key, content.values) : (content.error ?? t("error.failed"));
  throw new RefusedError(answer.status, content.code, sentence);
}
