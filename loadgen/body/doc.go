// Package body puts requests on the wire: the path and the JSON of each
// endpoint that is measured, in the words of the engine that serves it.
package body
