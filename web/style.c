#include <stddef.h>
#include <stdio.h>

#include "web/style.h"

/*
 * Every colour has at least 4.5:1 on what it stands on, borders of fields and
 * the focus 3:1 (WCAG 2.2, 1.4.3 and 1.4.11).  All lengths grow with the
 * letters, and nothing is wider than the window.
 */
static const char *const lines[] = {
	":root { color-scheme: light dark;",
	" --back: #ffffff; --text: #1b1d21; --soft: #50555e;",
	" --box: #f3f5f8; --line: #d4d9e1; --field: #767d8a;",
	" --link: #0b57a4; --on-link: #ffffff;",
	" --bad: #a4130b; --bad-box: #fdecea;",
	" --good: #0f5f2c; --good-box: #e6f5ea; }",
	"@media (prefers-color-scheme: dark) { :root {",
	" --back: #15171b; --text: #e7e9ec; --soft: #aab0ba;",
	" --box: #1f2329; --line: #3a404a; --field: #8a919d;",
	" --link: #8ab8f5; --on-link: #10151c;",
	" --bad: #ff9d94; --bad-box: #3a1a18;",
	" --good: #86d6a0; --good-box: #16301f; } }",

	"* { box-sizing: border-box; }",
	"body { margin: 0; background: var(--back); color: var(--text);",
	" font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }",
	"a { color: var(--link); }",
	"h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; }",
	"h2 { font-size: 1.15rem; line-height: 1.3; margin: 2rem 0 .5rem; }",
	"h3 { font-size: 1rem; margin: 0 0 .25rem; }",
	"p { margin: 0 0 .75rem; }",
	":focus-visible { outline: .2rem solid var(--link);",
	" outline-offset: .15rem; }",
	".skip { position: absolute; left: -99rem; background: var(--back);",
	" padding: .5rem; }",
	".skip:focus { left: .5rem; top: .5rem; }",
	".unseen { position: absolute; width: 1px; height: 1px;",
	" overflow: hidden; clip-path: inset(50%); white-space: nowrap; }",
	"header, nav, main { max-width: 50rem; margin: 0 auto;",
	" padding: 0 1rem; }",
	"header { display: flex; flex-wrap: wrap; gap: .25rem 1rem;",
	" align-items: center; padding-top: .75rem; }",
	"header p { margin: 0; }",
	"header .site { font-weight: 700; }",
	"header .who { color: var(--soft); margin-left: auto; }",
	"nav { border-bottom: 1px solid var(--line); margin-bottom: 1.5rem; }",
	"nav ul { list-style: none; display: flex; flex-wrap: wrap;",
	" margin: 0; padding: .5rem 0; gap: .15rem 1.1rem; }",
	"nav a { display: block; padding: .25rem 0; text-decoration: none; }",
	"nav a:hover { text-decoration: underline; }",
	"nav a[aria-current] { color: var(--text); font-weight: 700;",
	" border-bottom: .2rem solid var(--link); }",
	"main { padding-bottom: 3rem; }",
	".alone { padding-top: 1.5rem; max-width: 30rem; }",

	".note { border-left: .3rem solid var(--link); padding: .6rem .8rem;",
	" background: var(--box); margin: 0 0 1.25rem; }",
	".note p:last-child { margin: 0; }",
	".note.bad { border-color: var(--bad); background: var(--bad-box); }",
	".note.good { border-color: var(--good);",
	" background: var(--good-box); }",
	".bad strong { color: var(--bad); }",
	".good strong { color: var(--good); }",

	"form { margin: 0; }",
	"fieldset, .box { border: 1px solid var(--line); border-radius:",
	" .5rem; padding: .9rem 1rem; margin: 0 0 1.25rem; min-width: 0; }",
	"legend { font-weight: 700; padding: 0 .35rem; }",
	"label { font-weight: 600; }",
	".choice { display: grid; grid-template-columns: 1.6rem 1fr;",
	" margin: 0 0 .7rem; }",
	".choice input { width: 1.1rem; height: 1.1rem; margin: .2rem 0 0;",
	" accent-color: var(--link); }",
	".choice .hint { grid-column: 2; }",
	".hint { color: var(--soft); font-size: .92rem; margin: 0; }",
	".field { margin: 0 0 1rem; }",
	".field label { display: block; margin-bottom: .2rem; }",
	".field input, .field select { display: block; width: 100%;",
	" max-width: 26rem; font: inherit; color: inherit;",
	" background: var(--back); border: 1px solid var(--field);",
	" border-radius: .35rem; padding: .5rem .6rem; min-height: 2.75rem; }",
	".field .hint { margin-top: .2rem; }",
	"button, .button { font: inherit; font-weight: 600; cursor: pointer;",
	" display: inline-block; text-decoration: none; text-align: center;",
	" background: var(--link); color: var(--on-link);",
	" border: 1px solid var(--link); border-radius: .35rem;",
	" padding: .5rem 1rem; min-height: 2.75rem; max-width: 100%; }",
	"button.quiet, .button.quiet { background: transparent;",
	" color: var(--link); }",
	"button.bad { background: transparent; color: var(--bad);",
	" border-color: var(--bad); }",
	"details { margin: .25rem 0 0; }",
	"summary { cursor: pointer; color: var(--link); padding: .3rem 0; }",

	".items { list-style: none; margin: 0 0 1.25rem; padding: 0; }",
	".items > li { border-top: 1px solid var(--line); padding: .75rem 0; }",
	".items > li:last-child { border-bottom: 1px solid var(--line); }",
	".items h2 { margin: 0 0 .4rem; }",
	".items form { margin-top: .4rem; }",
	".actions { display: flex; flex-wrap: wrap; gap: .6rem;",
	" margin: 0 0 1.25rem; }",
	"dl { margin: 0 0 1rem; display: grid; gap: 0 1rem;",
	" grid-template-columns: minmax(7rem, max-content) 1fr; }",
	"dt { color: var(--soft); }",
	"dd { margin: 0; }",
	"@media (max-width: 30rem) { dl { grid-template-columns: 1fr; }",
	" dd { margin-bottom: .5rem; }",
	" header .who { margin-left: 0; width: 100%; } }",
	".secret { display: block; font: 1.35rem/1.4 ui-monospace,",
	" monospace; border: .15rem dashed var(--field); border-radius: .5rem;",
	" padding: .7rem 1rem; margin: 0 0 1rem; user-select: all; }",
	".codes { columns: 10rem; font: 1.1rem/1.9 ui-monospace, monospace;",
	" padding-left: 2.2rem; margin: 0 0 1rem; }",
	".qr { display: block; width: 100%; max-width: 16rem; height: auto;",
	" margin: 0 0 1rem; }",
	"@media print { nav, .skip, form { display: none; } }",
	"@media (forced-colors: active) {",
	" nav a[aria-current] { border-color: Highlight; } }",
};

void
style_write(void)
{
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		puts(lines[i]);
}
