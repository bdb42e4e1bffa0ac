// Asks the server, in the reader's language; what it refuses becomes an error with its sentence.
import { language, t } from "./i18n.js";

export class RefusedError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Sends a request and returns the parsed JSON of the answer; `json` is sent as the body. */
export async function ask(path, { method = "GET", json, body, headers = {} } = {}) {
  if (json !== undefined) {
    body = JSON.stringify(json);
    headers = { ...headers, "Content-Type": "application/json" };
  }
  headers = { ...headers, "Accept-Language": language() };
  let answer;
  try {
    answer = await fetch(path, { method, body, headers });
  } catch {
    throw new RefusedError(0, t("error.unreachable"));
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  throw new RefusedError(answer.status, content.error ?? t("error.failed"));
}
