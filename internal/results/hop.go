package results

import "tokenomics/internal/record"

// Hop is where the time of a point's requests went that passed a proxy of ours:
// us, the way through the proxy, and the engine. Means in ms over the requests
// that succeeded and that both ends have a Record of. From the moment a request
// was due to its last token it took Client + HopE2E + EngineE2E, and HopE2E is
// Proxy + Unattributed.
type Hop struct {
	Joined     int `json:"joined"`                // requests that both have
	ClientOnly int `json:"client_only,omitempty"` // that the proxy has no Record of
	ProxyOnly  int `json:"proxy_only,omitempty"`  // that only the proxy has

	Client       record.Opt[float64] `json:"client_ms,omitzero"`       // due to sent: connecting, and leaving late
	HopTTFT      record.Opt[float64] `json:"hop_ttft_ms,omitzero"`     // the client's TTFT - the proxy's
	EngineTTFT   record.Opt[float64] `json:"engine_ttft_ms,omitzero"`  // the proxy's TTFT
	HopE2E       record.Opt[float64] `json:"hop_e2e_ms,omitzero"`      // the client's E2E - the proxy's
	EngineE2E    record.Opt[float64] `json:"engine_e2e_ms,omitzero"`   // the proxy's E2E
	Proxy        record.Opt[float64] `json:"proxy_ms,omitzero"`        // of HopE2E, in the proxy's own code
	Unattributed record.Opt[float64] `json:"unattributed_ms,omitzero"` // of HopE2E, in nobody's Record: sockets, network, waiting for a core
}
