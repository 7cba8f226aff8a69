// Package dataset is where the load generator's prompts come from: texts
// embedded in the binary, datasets on the Hugging Face hub, and files.
//
//	Open        picks the source that a Config names and loads it whole
//	keys.go     the datasets known by a short name, as a table
//	config.go   JSON dataset configurations, as other benchmarks have them
//	hub.go      the hub's datasets: source.go and select.go say which files are
//	            meant, fetch.go downloads them, cache.go keeps what came
//	file.go     one reader per file kind: txt, csv, json, jsonl, parquet
//	turns.go    conversations; image.go  images
//
// A Dataset never changes after it was loaded and keeps its rows' order, so
// that a request number and a seed name the same prompt in every run.
package dataset
