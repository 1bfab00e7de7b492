// The spellings in which a value may turn up in a text: the ones that towline promises to find.

const bytesOf = (value: string) => new TextEncoder().encode(value);

/**
 * The value itself, and as base64 (standard and url-safe, at each of the three places where it may begin in a longer
 * text), hex, URL-, JSON-, HTML- and quote-escaped. Characters that depend on what stands beside it are left out.
 */
export function spellings(value: string): string[] {
  const bytes = bytesOf(value);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  const units = [...value].flatMap((c) => c.split("")).map((c) => c.charCodeAt(0).toString(16).padStart(4, "0"));
  const json = JSON.stringify(value).slice(1, -1);
  const url = encodeURIComponent(value.toWellFormed());
  const lower = (escaped: string) => escaped.replace(/%[0-9A-F]{2}/g, (found) => found.toLowerCase());
  const found = [
    value,
    ...[0, 1, 2].flatMap((offset) => base64At(bytes, offset)),
    hex.join(""),
    hex.join("").toUpperCase(),
    url,
    lower(url),
    strictUrl(url),
    lower(strictUrl(url)),
    url.replaceAll("%20", "+"),
    hex.map((two) => `%${two}`).join(""),
    hex.map((two) => `%${two.toUpperCase()}`).join(""),
    json,
    ascii(json),
    units.map((four) => `\\u${four}`).join(""),
    units.map((four) => `\\u${four.toUpperCase()}`).join(""),
    hex.map((two) => `\\x${two}`).join(""),
    html(value, "&#39;"),
    html(value, "&#x27;"),
    value.replaceAll("'", "''"),
  ];
  return [...new Set(found)];
}

/** As `encodeURIComponent`, with the five characters that it leaves and others escape. */
const strictUrl = (url: string) => url.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

const ascii = (json: string) =>
  json.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

const html = (value: string, quote: string) =>
  value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", quote);

/** The characters of the base64 of `offset` unknown bytes, these bytes and an unknown rest that these bytes alone decide. */
function base64At(bytes: Uint8Array, offset: number): string[] {
  const padded = new Uint8Array(offset + bytes.length);
  padded.set(bytes, offset);
  const text = btoa(String.fromCharCode(...padded));
  const part = text.slice(Math.ceil((offset * 8) / 6), Math.floor((padded.length * 8) / 6));
  return [part, part.replaceAll("+", "-").replaceAll("/", "_")];
}
