package proxy

import (
	"fmt"

	"tokenomics/internal/upstream"
	"tokenomics/internal/wire"
)

// Usage says whether the engine is asked to tell token counts that the client
// did not ask for. Whatever it adds to an answer is removed again.
type Usage string

const (
	UsageAuto       Usage = "auto"       // final where that is known to be safe, else observe
	UsageFinal      Usage = "final"      // ask for the final usage event of streams
	UsageContinuous Usage = "continuous" // and for usage on every event
	UsageObserve    Usage = "observe"    // never touch a byte
)

// ParseUsage reads the --usage flag.
func ParseUsage(s string) (Usage, error) {
	switch u := Usage(s); u {
	case UsageAuto, UsageFinal, UsageContinuous, UsageObserve:
		return u, nil
	}
	return "", fmt.Errorf("usage mode %q is not one of auto, final, continuous, observe", s)
}

// ask is what to ask of engine e for a request to endpoint.
func (u Usage) ask(e upstream.Engine, endpoint string) wire.Ask {
	switch {
	case u == UsageFinal:
		return wire.AskFinal
	case u == UsageContinuous:
		return wire.AskContinuous
	case u == UsageAuto && e.MayAsk(endpoint):
		return wire.AskFinal
	}
	return wire.AskNothing
}
