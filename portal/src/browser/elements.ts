/** Finding and filling elements of a page. Text only ever goes in as text. */

/** The element with this id; it is part of the page that loads the script. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element ${id}.`);
  return element;
}

/** Shows an element in a tone, or without one. */
export function show(id: string, tone?: 'good' | 'bad' | 'warn'): void {
  const element = byId(id);
  element.hidden = false;
  element.classList.remove('good', 'bad', 'warn');
  if (tone !== undefined) element.classList.add(tone);
}

/** Replaces the text inside the first match of `selector` within an element. */
export function fill(id: string, selector: string, text: string): void {
  const element = byId(id).querySelector(selector);
  if (element !== null) element.textContent = text;
}

/** Replaces an element's children. */
export function replaceWith(id: string, children: readonly HTMLElement[]): void {
  byId(id).replaceChildren(...children);
}

/** Makes an element with text. */
export function made(tag: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  element.dir = 'auto';
  return element;
}
