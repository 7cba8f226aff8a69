package otel

import (
	"strconv"

	"tokenomics/internal/record"
)

const otherMethod = "_OTHER"

// methodOf keeps http.request.method to the methods there are: the
// conventions call the rest _OTHER, as clients may send anything.
func methodOf(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY":
		return method
	}
	return otherMethod
}

// errorType is error.type, "" for a request that was answered whole.
func errorType(r *record.Record) string {
	switch {
	case r.Outcome == record.Complete && r.Status < 400:
		return ""
	case r.ErrorType != "":
		return r.ErrorType
	case r.Status >= 400:
		return statusText(r.Status)
	}
	return string(r.Outcome)
}

// statusText is the decimal of a status, without allocating for those that come.
func statusText(status int) string {
	switch status {
	case 400:
		return "400"
	case 401:
		return "401"
	case 404:
		return "404"
	case 429:
		return "429"
	case 500:
		return "500"
	case 502:
		return "502"
	case 503:
		return "503"
	}
	return strconv.Itoa(status)
}

// serverFailed says whether a failure is the server's: neither a client that
// left nor one that asked for the wrong thing makes our span an error
// (OpenTelemetry's HTTP conventions).
func serverFailed(outcome record.Outcome, status int) bool {
	switch {
	case outcome == record.Complete, outcome == record.ClientAbort:
		return false
	case outcome == record.Error && status >= 400 && status < 500:
		return false
	}
	return true
}

// isAbort says whether the client or the engine broke the request off.
func isAbort(outcome record.Outcome) bool {
	return outcome == record.ClientAbort || outcome == record.EngineAbort
}

// phases of a request, for where it was aborted.
var phases = [...]string{"before_headers", "before_first_token", "streaming"}

// phaseOf is the index in phases of how far r's answer had come.
func phaseOf(r *record.Record) int {
	switch {
	case r.FirstToken.Ok():
		return 2
	case r.Headers.Ok():
		return 1
	}
	return 0
}
