/** Elements of the page by their names. */

/** The element of this name, which is of this kind. */
export function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} named ${id}`);
  return found;
}
