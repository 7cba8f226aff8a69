package otel

import "tokenomics/internal/record"

// The keys of the families: what the labels of a kind of metric differ by.
type (
	requestKey struct {
		endpoint, provider, model, errType, tenant string

		outcome record.Outcome
	}
	usageKey struct{ operation, provider, model, response, server, tenant string }
	oursKey  struct{ operation, model, tenant string }
	loadKey  struct{ operation, model string }
	genAIKey struct{ operation, provider, model, response string }

	durationKey struct {
		genAIKey
		server, errType string
	}
	// httpKey has the route for requests to us, and the server for ours to it.
	httpKey struct {
		method, route, server, errType string

		status int
	}
)

func (k requestKey) coarser(level int) requestKey {
	if level > 0 {
		k.tenant = masked(k.tenant)
	}
	if level == coarsest {
		k.provider, k.model, k.errType = other, masked(k.model), masked(k.errType)
	}
	return k
}

func (k usageKey) coarser(level int) usageKey {
	if level > 0 {
		k.tenant = masked(k.tenant)
	}
	if level == coarsest {
		k.provider, k.model, k.response, k.server = other, masked(k.model), masked(k.response), ""
	}
	return k
}

func (k oursKey) coarser(level int) oursKey {
	if level > 0 {
		k.tenant = masked(k.tenant)
	}
	if level == coarsest {
		k.model = masked(k.model)
	}
	return k
}

func (k loadKey) coarser(level int) loadKey {
	if level == coarsest {
		k.model = masked(k.model)
	}
	return k
}

func (k genAIKey) coarser(level int) genAIKey {
	if level == coarsest {
		k.provider, k.model, k.response = other, masked(k.model), masked(k.response)
	}
	return k
}

func (k durationKey) coarser(level int) durationKey {
	if level == coarsest {
		k.genAIKey, k.server, k.errType = k.genAIKey.coarser(level), "", masked(k.errType)
	}
	return k
}

func (k httpKey) coarser(level int) httpKey {
	if level == coarsest {
		k.method, k.server, k.errType, k.status = otherMethod, "", masked(k.errType), 0
	}
	return k
}
