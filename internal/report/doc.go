// Package report makes numbers into something to look at: the terminal's table
// of a sweep that has just been run, and of results files a page, charts and
// tables.
//
//	Table         the terminal's table (table.go)
//	Named         a results file to report on (named.go)
//	HTML          one self-contained page (html.go, page.go, assets)
//	Chart         panels as PNG or SVG (chart.go, panels.go, lines.go)
//	CSV, Markdown the points as a table (csv.go, markdown.go)
//
// The terminal's table is plain text and decides nothing about colours: it
// reads the same in a terminal, a file and a chat message. Names, descriptions
// and errors in results files are other people's words; whatever writes them
// escapes them.
package report
