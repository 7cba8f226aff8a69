package otel

import (
	"net"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observeOptions is an attribute set made ready for what is read when metrics
// are collected.
func observeOptions(kv []attribute.KeyValue, more ...attribute.KeyValue) []metric.ObserveOption {
	set := attribute.NewSet(append(kv[:len(kv):len(kv)], more...)...)
	return []metric.ObserveOption{metric.WithAttributeSet(set)}
}

func genAIAttributes(k genAIKey) []attribute.KeyValue {
	kv := []attribute.KeyValue{keyOperation.String(k.operation), keyProvider.String(providerOf(k.provider))}
	kv = appendText(kv, keyRequestModel, k.model)
	return appendText(kv, keyResponseModel, k.response)
}

func httpAttributes(k httpKey) []attribute.KeyValue {
	kv := []attribute.KeyValue{keyHTTPMethod.String(k.method)}
	if k.status > 0 {
		kv = append(kv, keyHTTPStatus.Int(k.status))
	}
	return kv
}

func appendText(kv []attribute.KeyValue, key attribute.Key, value string) []attribute.KeyValue {
	if value == "" {
		return kv
	}
	return append(kv, key.String(value))
}

func address(host string, port int) []attribute.KeyValue {
	if host == "" {
		return nil
	}
	if port == 0 {
		return []attribute.KeyValue{keyServerAddress.String(host)}
	}
	return []attribute.KeyValue{keyServerAddress.String(host), keyServerPort.Int(port)}
}

func hostPort(server string) (host string, port int) {
	if path, unix := strings.CutPrefix(server, "unix:/"); unix {
		return clean("/" + path), 0
	}
	host, p, err := net.SplitHostPort(server)
	if err != nil {
		return clean(server), 0 // a host alone
	}
	port, err = strconv.Atoi(p)
	if err != nil {
		return host, 0
	}
	return host, port
}

func providerOf(provider string) string {
	if provider == "" {
		return unknownProvider
	}
	return provider
}
