"""The style sheet of the page that `--trace FILE.html` makes, beyond what all our pages have."""

from sendmail_cli.cli import page_style

STYLE = (
    page_style.STYLE
    + """
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.3rem; margin-bottom: .7rem; color: var(--soft);
  font-size: .85rem; }
.legend .we { color: var(--we); }
.legend .server { color: var(--server); }
.axis, .steps li { display: grid; grid-template-columns: 4.2rem 2.6rem minmax(0, 1.15fr) minmax(0, 1fr);
  column-gap: .8rem; padding: 0 1.6rem 0 1rem; }
.axis { border: 1px solid transparent; }
.axis span { grid-column: 1 / 4; }
.axis svg { width: 100%; height: 20px; overflow: visible; }
.axis text { font-size: 11px; fill: var(--soft); text-anchor: middle; }
.steps li { align-items: stretch; --color: var(--note); }
.steps { overflow: hidden; }
.steps li > * { padding: .5rem 0; }
.steps .we { --color: var(--we); }
.steps .server { --color: var(--server); }
.steps .server.unsure, .steps .server.bad, .steps .end { --color: var(--tone); background: var(--back); }
.steps li.note, .steps li.content { color: var(--soft); }
.at { text-align: right; color: var(--soft); font-size: .8rem; line-height: 1.65; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
.mark { position: relative; text-align: right; color: var(--color); line-height: 1.4; }
.mark b { font-size: 1.05rem; }
.secured .mark { border-left: 3px solid var(--good); }
li:not(.secured) .mark { border-left: 3px dotted var(--line); }
.lock { width: .85rem; height: .85rem; fill: var(--good); vertical-align: -.08rem; margin-right: .25rem; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.server .said pre, .we .said pre { color: var(--color); }
.said p { font-size: .87rem; line-height: 1.5; }
.said .words { margin-top: .1rem; max-width: 44rem; }
.grid { position: absolute; width: 0; height: 0; }
.lane { position: relative; }
.lane svg { position: absolute; top: 0; left: 0; width: 100%; height: 100%; overflow: visible; }
line { stroke: var(--line); }
.bar { fill: var(--color); stroke: var(--color); stroke-width: 1.5; transform: translateY(6px); }
.lane text { font-size: 11px; fill: var(--soft); transform: translateY(6px); font-variant-numeric: tabular-nums;
  paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
.steps .unsure text, .steps .bad text { stroke: none; }
.lane .before, .lane .in { text-anchor: end; }
.lane .in, .steps .unsure .in, .steps .bad .in { fill: var(--card); stroke: none; }
@media screen and (max-width: 760px) {
  .axis, .steps li { grid-template-columns: 3.4rem minmax(0, 1fr); padding: 0 1.4rem 0 .6rem; }
  .axis span { grid-column: 1; }
  .steps .at { grid-area: 2 / 1; padding: 0 0 .5rem; font-size: .72rem; line-height: 1.9; }
  .steps .mark { grid-area: 1 / 1 / 3 / 2; }
  .steps .said { grid-area: 1 / 2; }
  .steps .lane { grid-area: 2 / 2; padding: 0; height: 1.9rem; }
  .bar, .lane text { transform: none; }
}
@media print {
  .bar, .steps li { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
)
