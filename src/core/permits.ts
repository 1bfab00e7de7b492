// What an agent changes only where its record permits it by name. On its own, since the schema and the guard need it.
export const permits = ["lock-files", "binaries", "modes"] as const;
export type Permit = (typeof permits)[number];
