"""The style sheet of the page that `--preview` makes, beyond what all our pages have."""

from sendmail_cli.cli import page_style

STYLE = (
    page_style.STYLE
    + """
.subject h1 { color: var(--ink); unicode-bidi: isolate; }
.subject .sentence { color: var(--tone); font-weight: 600; }
.soft { --tone: var(--soft); --back: var(--code); }
.fields { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1.2rem; padding: 1rem 1.2rem;
  margin: 0; border-top-width: 0; }
.card.fields { border-top-width: 1px; }
.fields > div { display: contents; }
.fields dt { font-size: .87rem; line-height: 1.6; }
.fields dd { max-width: none; }
.code { color: var(--soft); font-size: .8rem; margin-left: .4rem; white-space: nowrap; }
.where { font-weight: 600; overflow-wrap: anywhere; }
details { border-top: 1px solid var(--line); }
details:first-child { border-top: 0; }
summary { cursor: pointer; padding: .65rem 1.2rem; color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
summary:hover { color: var(--ink); }
summary:focus-visible { outline: 2px solid var(--we); outline-offset: -2px; border-radius: 10px; }
details > pre, details > ul { margin: 0 1.2rem 1rem; }
details > pre { background: var(--code); border-radius: 6px; padding: .7rem .9rem; max-height: 32rem; overflow: auto; }
.remote li { border: 0; color: var(--soft); overflow-wrap: anywhere; }
.bodies { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem;
  align-items: start; }
.body { overflow: hidden; min-width: 0; }
.body h3 { font-size: .85rem; font-weight: 600; padding: .55rem 1.2rem; border-bottom: 1px solid var(--line);
  display: flex; flex-wrap: wrap; gap: .1rem .9rem; }
.body h3 span { color: var(--soft); font-weight: 400; }
.body > pre { padding: .9rem 1.2rem; max-height: 44rem; overflow: auto; }
iframe { display: block; width: 100%; min-width: 12rem; max-width: 100%; border: 0; background: #fff;
  color-scheme: light; resize: vertical; }
.small { height: 11rem; }
.medium { height: 24rem; }
.large { height: 44rem; }
.files li { display: grid; grid-template-columns: 3.4rem minmax(0, 1fr) max-content; gap: .2rem 1rem;
  align-items: center; padding: .6rem 1.2rem; }
.files img, .files svg { width: 3.2rem; height: 3.2rem; object-fit: contain; border-radius: 4px;
  background: var(--code); }
.files svg { fill: none; stroke: var(--soft); stroke-width: 1.2; padding: .5rem; }
.files .size { color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
.files b { font-weight: 600; overflow-wrap: anywhere; unicode-bidi: isolate; }
.nested { padding: 0 1.2rem 1.2rem; }
.nested h2 { margin-top: 1.2rem; }
.nested .card { background: var(--page); }
.envelope dd { max-height: 16rem; overflow: auto; }
.envelope code { display: block; line-height: 1.75; }
@media screen and (max-width: 760px) {
  .fields { grid-template-columns: minmax(0, 1fr); gap: 0; padding: .8rem 1rem; }
  .fields dd { margin-bottom: .5rem; }
  .files li { grid-template-columns: 3.4rem minmax(0, 1fr); }
  .files .size { grid-column: 2; }
  summary, .body h3, .body > pre { padding-left: 1rem; padding-right: 1rem; }
}
@media print {
  iframe { border: 1px solid var(--line); }
}
"""
)
