"""The style that our pages have in common: light and dark, wide and narrow, and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #ffffff; --ink: #1b2230; --soft: #5a6475; --line: #dfe3ea; --code: #f0f2f6;
  --we: #2f5fd0; --server: #0f7b6c; --note: #667084; --good: #1a7f43; --unsure: #96600a; --bad: #c0282f;
  --good-back: #e4f4ea; --unsure-back: #fcf1da; --bad-back: #fce7e7;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #10141b; --card: #181e28; --ink: #e6eaf2; --soft: #9ba6b8; --line: #2b3443; --code: #212936;
    --we: #86a9ff; --server: #4fc9b3; --note: #7f8a9d; --good: #5fd08b; --unsure: #eab553; --bad: #ff8a8a;
    --good-back: #16301f; --unsure-back: #35290f; --bad-back: #3b1b1e;
  }
}
* { box-sizing: border-box; margin: 0; }
body { background: var(--page); color: var(--ink); padding: 2rem 1rem; -webkit-text-size-adjust: 100%;
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main, footer { max-width: 76rem; margin: 0 auto; }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code, pre, dd, h1, .sentence, .server, .said { overflow-wrap: anywhere; unicode-bidi: isolate; }
pre { white-space: pre-wrap; }
header, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
header { padding: 1.3rem 1.5rem; border-left: 6px solid var(--tone); }
header p { max-width: 60rem; }
header .server { color: var(--soft); }
header .advice { margin-top: .3rem; color: var(--soft); }
h1 { font-size: 1.75rem; line-height: 1.25; color: var(--tone); margin-bottom: .3rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
dl { display: flex; flex-wrap: wrap; gap: .7rem 2.2rem; margin-top: 1.1rem; padding-top: 1rem;
  border-top: 1px solid var(--line); }
dt { color: var(--soft); font-size: .8rem; }
dd { font-variant-numeric: tabular-nums; max-width: 34rem; }
.good { --tone: var(--good); --back: var(--good-back); }
.unsure { --tone: var(--unsure); --back: var(--unsure-back); }
.bad { --tone: var(--bad); --back: var(--bad-back); }
ul, ol { list-style: none; padding: 0; }
li { border-top: 1px solid var(--line); break-inside: avoid; }
li:first-child { border-top: 0; }
.words { color: var(--soft); font-size: .87rem; line-height: 1.45; }
.rows li { display: grid; grid-template-columns: 6rem minmax(0, 1fr); gap: .9rem; padding: .75rem 1rem; }
.rows div > code { font-weight: 600; }
.rows p code { color: var(--soft); }
.word { justify-self: start; align-self: start; color: var(--tone); background: var(--back); border-radius: 6px;
  padding: .1rem .55rem; font-size: .85rem; font-weight: 600; }
footer { color: var(--soft); font-size: .8rem; margin-top: 1.5rem; }
@media screen and (max-width: 760px) {
  body { padding: 1rem .6rem; }
  header { padding: 1rem; }
  .rows li { grid-template-columns: minmax(0, 1fr); gap: .3rem; }
}
@media print {
  body { padding: 0; font-size: 10pt; background: none; }
  .word { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2 { break-after: avoid; }
}
"""
