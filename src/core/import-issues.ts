// Issues of a forge as tasks.
import { slugOf } from "./ids.ts";
import { criteriaIn, type Foreign, visibleText } from "./import-tasks.ts";

export interface ForeignIssue {
  number: number;
  title: string;
  body: string;
  url: string;
  open: boolean;
}

/** `own`: of the pack's own repository; others bring its name along. */
export function issueAsTask(repository: string, own: boolean, issue: ForeignIssue): Foreign {
  const name = own ? "" : `${slugOf(repository.split("/")[1] ?? repository, 40)}-`;
  return {
    id: `${name}issue-${issue.number}`,
    title: issue.title,
    from: `${repository}#${issue.number}`,
    link: issue.url,
    over: !issue.open,
    after: [],
    ...criteriaIn(visibleText(issue.body)),
  };
}
