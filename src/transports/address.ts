// Addresses as people write them in records.

/** Without the brackets that an IPv6 address has where a port follows it. */
export const bare = (address: string) => address.replace(/^\[(.*)\]$/, "$1");

/** `host:port`, with brackets where they are needed. */
export const placeOf = ({ address, port }: { address: string; port: number }) =>
  `${address.includes(":") ? `[${bare(address)}]` : address}:${port}`;
