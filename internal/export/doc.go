// Package export writes what the load generator measured in the formats of
// other tools, for the pipelines that read them. docs/formats.md has the
// mapping, figure by figure.
//
//	Run          what is written: one run of a point, and its Records (run.go)
//	VLLM         the result file of vLLM's bench serve (vllm.go)
//	AIPerf...    AIPerf's records and summary (aiperf_records.go, aiperf_summary.go)
//	TokenomicsPy a sweep value's file of the Python tool (python.go)
//
// Every figure is our own under the name that it has there, so that a result
// says the same in each format. What we do not know is left out or null, as
// far as the format's readers take that.
package export
