//go:build race

package otel

const raceDetector = true
