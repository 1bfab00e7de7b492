// How requests leave this machine: through the proxy that the environment names, or straight. Nothing is loaded for it
// where there is none. Certificates of one's own are node's business (NODE_EXTRA_CA_CERTS), with a proxy, too.
type Env = Readonly<Record<string, string | undefined>>;
type Fetch = typeof fetch;

const ways = new Map<string, Promise<Fetch>>();

/** One connection pool for all who go the same way. */
export function wayOut(env: Env): Promise<Fetch> {
  const https = env.HTTPS_PROXY || env.https_proxy || "";
  const http = env.HTTP_PROXY || env.http_proxy || "";
  if (https === "" && http === "") return Promise.resolve(fetch);
  const none = env.NO_PROXY || env.no_proxy || "";
  const key = JSON.stringify([https, http, none]);
  const way = ways.get(key) ?? through({ httpsProxy: https, httpProxy: http, noProxy: none });
  ways.set(key, way);
  return way;
}

async function through(proxies: { httpsProxy: string; httpProxy: string; noProxy: string }): Promise<Fetch> {
  const undici = await import("undici");
  const named = Object.fromEntries(Object.entries(proxies).filter(([, value]) => value !== ""));
  // What is not named here undici would look for in the environment by itself.
  const dispatcher = new undici.EnvHttpProxyAgent({ noProxy: "", ...named });
  return ((input: string, init?: object) => undici.fetch(input, { ...init, dispatcher })) as unknown as Fetch;
}
