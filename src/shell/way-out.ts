// How requests leave this machine: through the proxy that the environment names, or straight. Nothing is loaded for it
// where there is none. Certificates of one's own are node's business (NODE_EXTRA_CA_CERTS), with a proxy, too.
type Env = Readonly<Record<string, string | undefined>>;
type Fetch = typeof fetch;

const ways = new Map<string, Promise<Fetch>>();

/** For this address. One connection pool for all who go the same way. */
export function wayOut(env: Env, address: string): Promise<Fetch> {
  const { protocol, hostname, port } = new URL(address);
  const word = protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = env[word] || env[word.toLowerCase()] || "";
  const none = env.NO_PROXY || env.no_proxy || "";
  if (proxy === "" || spared(none, hostname, port || (protocol === "https:" ? "443" : "80"))) return straight;
  const way = ways.get(proxy) ?? through(proxy);
  ways.set(proxy, way);
  return way;
}

const straight = Promise.resolve(fetch);

/** `example.org` is that and all below it, `.example.org` and `*.example.org` as well; a port narrows it; `*` is all. */
function spared(none: string, hostname: string, port: string): boolean {
  const host = hostname.toLowerCase();
  return none
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((one) => {
      const [, name = "", only] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(one) ?? [];
      if (only !== undefined && only !== port) return false;
      return name === "*" || host === name || host.endsWith(`.${name}`);
    });
}

async function through(proxy: string): Promise<Fetch> {
  const undici = await import("undici");
  const dispatcher = new undici.ProxyAgent(proxy);
  return ((input: string, init?: object) => undici.fetch(input, { ...init, dispatcher })) as unknown as Fetch;
}
