// A line of CHANGELOG.md is the changeset's own words: no commit id, no name.
export default {
  getReleaseLine: async (/** @type {{summary: string}} */ { summary }) => {
    const [first = "", ...rest] = summary.trim().split("\n");
    return [`- ${first}`, ...rest.map((line) => `  ${line}`.trimEnd())].join("\n");
  },
  getDependencyReleaseLine: async () => "",
};
