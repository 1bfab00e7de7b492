/** The folder of a record's own page. Without dots no name is another file's, hidden, or a step up. */
export const folderOf = (id: string) => id.replaceAll(".", "~");
