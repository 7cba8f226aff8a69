package export

import (
	"strconv"
	"strings"
)

// aiperfTalks are the conversations of a run by the id of their first turn,
// numbered from 0 in the order they are met.
type aiperfTalks map[string]int

// tell says in a request's metadata which conversation it was of, and which turn
// of it. Its id does: later turns have the first one's, with +1 and so on.
func (a aiperfTalks) tell(m *aiperfMetadata) {
	first, turn, later := strings.Cut(m.RequestID, "+")
	if later {
		n, err := strconv.Atoi(turn)
		if err != nil {
			return // no id of ours
		}
		m.TurnIndex = n
	}
	if _, met := a[first]; !met {
		a[first] = len(a)
	}
	m.SessionNum, m.CorrelationID, m.ConversationID = a[first], first, &first
}
