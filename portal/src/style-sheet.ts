/** The style sheet of all pages: light and dark, no font or picture from elsewhere. */
export const styleSheet = `:root {
  --paper: #f7faf8; --sheet: #ffffff; --ink: #17211c; --faint: #55655d; --line: #cbd8d0;
  --green: #0d4a34; --good: #0f6b41; --good-paper: #e6f4ec; --bad: #a3161f; --bad-paper: #fbeaea;
  --warn: #7a5200; --warn-paper: #fdf3dc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #101714; --sheet: #18221d; --ink: #e6eee9; --faint: #9fb1a7; --line: #33443b;
    --green: #8fd0b0; --good: #8fdcb4; --good-paper: #12301f; --bad: #ffb1b1; --bad-paper: #3a1717;
    --warn: #f3cf86; --warn-paper: #35290d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif;
}
[lang="ur"] { font-family: "Noto Nastaliq Urdu", "Noto Naskh Arabic", "Geeza Pro", Tahoma, serif; line-height: 1.9; }
.top { border-bottom: 3px double var(--green); padding: 1rem 1.25rem; background: var(--sheet); }
.top h1, h2 { color: var(--green); display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; align-items: baseline; }
.top h1 { margin: 0; font-size: 1.5rem; }
.top p { margin: 0.25rem 0 0; }
.top h1, .top p { max-width: 55.5rem; margin-inline: auto; }
main { max-width: 58rem; margin-inline: auto; padding: 0 1.25rem 3rem; }
h2 { font-size: 1.15rem; margin: 1.75rem 0 0.5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 0.25rem; }
p { margin: 0.25rem 0; }
[hidden] { display: none; }
a { color: var(--green); }
.pill { display: inline-block; padding: 0.1rem 0.7rem; border-radius: 1rem; border: 1px solid var(--line); color: var(--faint); }
.verdict { margin-top: 1.25rem; padding: 0.9rem 1.1rem; border: 2px solid var(--line); border-radius: 0.5rem; background: var(--sheet); }
.verdict .line { font-size: 1.35rem; font-weight: 700; margin: 0; }
.verdict ul { margin: 0.5rem 0 0; padding-left: 1.2rem; }
.verdict ul:empty { display: none; }
.good { border-color: var(--good); background: var(--good-paper); color: var(--good); }
.bad { border-color: var(--bad); background: var(--bad-paper); color: var(--bad); }
.warn { border-color: var(--warn); background: var(--warn-paper); color: var(--warn); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 0.8rem; margin-top: 1rem; }
.card { border: 1px solid var(--line); border-top: 4px solid var(--line); border-radius: 0.4rem; padding: 0.6rem 0.9rem; background: var(--sheet); color: var(--ink); }
.card h2 { margin: 0 0 0.25rem; font-size: 0.95rem; }
.card.good, .card.bad, .card.warn { background: var(--sheet); color: var(--ink); }
.card.good { border-top-color: var(--good); } .card.bad { border-top-color: var(--bad); } .card.warn { border-top-color: var(--warn); }
.card .state { font-weight: 700; }
.card .more { color: var(--faint); font-size: 0.88rem; overflow-wrap: anywhere; }
.facts { margin: 0.5rem 0 0; border: 1px solid var(--line); border-radius: 0.4rem; background: var(--sheet); }
.facts div { display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; gap: 0.2rem 1rem; padding: 0.45rem 0.9rem; border-top: 1px solid var(--line); }
.facts div:first-child { border-top: 0; }
.facts dt { color: var(--faint); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.large dd { font-size: 1.3rem; font-weight: 600; }
@media (max-width: 36rem) { .facts div { grid-template-columns: 1fr; } }
pre { background: var(--sheet); border: 1px solid var(--line); border-radius: 0.4rem; padding: 0.7rem 0.9rem; overflow-x: auto; font-size: 0.85rem; }
form { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; margin-top: 0.5rem; }
input, button { font: inherit; padding: 0.5rem 0.8rem; border-radius: 0.35rem; border: 1px solid var(--faint); }
input { background: var(--sheet); color: var(--ink); width: 15rem; letter-spacing: 0.05em; }
button { background: var(--green); color: var(--paper); border-color: var(--green); cursor: pointer; }
:focus-visible { outline: 3px solid var(--warn); outline-offset: 2px; }
#answer { margin-top: 0.6rem; font-weight: 600; }
`;
