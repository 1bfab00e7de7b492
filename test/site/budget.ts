// What a page may cost before anybody has touched it.
export interface Budget {
  /** Compressed, all that is loaded with the page. */
  kilobytes: number;
  requests: number;
  /** Cumulative layout shift, as browsers count it. */
  shift: number;
}

const usual: Budget = { kilobytes: 100, requests: 8, shift: 0.02 };

// The field to search in works with scripts only, and so appears with them.
const budgets: Record<string, Budget> = { reflections: { ...usual, shift: 0.05 } };

export const budgetOf = (path: string): Budget => budgets[path.split("/")[0] ?? ""] ?? usual;
