// Circles in a graph of names.

/** One loop for each knot of names that lead to each other: `a, b, c, a`, starting at the first by name. */
export function loops(edges: ReadonlyMap<string, string[]>): string[][] {
  return knots(edges).flatMap((knot) => {
    const start = [...knot].sort()[0] as string;
    const loop = wayBack(edges, knot, start);
    return loop ? [loop] : [];
  });
}

/** Strongly connected parts, by Tarjan's method with a stack of its own: chains may be long. */
function knots(edges: ReadonlyMap<string, string[]>): Set<string>[] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const found: Set<string>[] = [];
  const enter = (name: string) => {
    index.set(name, index.size);
    low.set(name, index.get(name) as number);
    stack.push(name);
    onStack.add(name);
    return { name, left: (edges.get(name) ?? []).filter((next) => edges.has(next)) };
  };
  const lower = (name: string, value: number) => low.set(name, Math.min(low.get(name) as number, value));
  for (const root of edges.keys()) {
    if (index.has(root)) continue;
    const path = [enter(root)];
    for (let at = path.at(-1); at; at = path.at(-1)) {
      const next = at.left.pop();
      if (next !== undefined) {
        if (!index.has(next)) path.push(enter(next));
        else if (onStack.has(next)) lower(at.name, index.get(next) as number);
        continue;
      }
      path.pop();
      const above = path.at(-1);
      if (above) lower(above.name, low.get(at.name) as number);
      if (low.get(at.name) !== index.get(at.name)) continue;
      const knot = new Set(stack.splice(stack.lastIndexOf(at.name)));
      for (const name of knot) onStack.delete(name);
      found.push(knot);
    }
  }
  return found;
}

/** The shortest way from a name back to itself inside a knot, or null. */
function wayBack(edges: ReadonlyMap<string, string[]>, knot: Set<string>, start: string): string[] | null {
  const from = new Map<string, string>();
  const queue = [start];
  for (const name of queue)
    for (const next of edges.get(name) ?? []) {
      if (next === start) {
        const way = [name];
        while (way[0] !== start) way.unshift(from.get(way[0] as string) as string);
        return [...way, start];
      }
      if (!knot.has(next) || from.has(next)) continue;
      from.set(next, name);
      queue.push(next);
    }
  return null;
}
