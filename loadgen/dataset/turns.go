package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// talk makes a prompt of a conversation. What an assistant says before any
// user does is left out, since no request asks for it; a conversation without
// a user turn gives a prompt without text.
func talk(turns []Turn) (Prompt, error) {
	if len(turns) > maxTurns {
		return Prompt{}, fmt.Errorf("a conversation of %d turns is more than the %d that are read", len(turns), maxTurns)
	}
	kept := make([]Turn, 0, len(turns))
	text, asked := "", false
	for i, t := range turns {
		role, err := roleOf(t.Role)
		if err != nil {
			return Prompt{}, fmt.Errorf("turn %d: %w", i+1, err)
		}
		if role == "user" && !asked {
			text, asked = t.Text, true
		}
		if role != "assistant" || asked {
			kept = append(kept, Turn{Role: role, Text: t.Text})
		}
	}
	if !asked || len(kept) == 1 {
		kept = nil
	}
	return Prompt{Text: text, Turns: kept}, nil
}

// roleOf maps the names that conversations in the wild have for who speaks:
// those of the APIs, and ShareGPT's. A turn without one is the user's, as in
// the lists of questions of MT-Bench and Arena-Hard.
func roleOf(name string) (string, error) {
	switch lower := strings.ToLower(name); {
	case lower == "system":
		return "system", nil
	case slices.Contains([]string{"", "user", "human"}, lower):
		return "user", nil
	case slices.Contains([]string{"assistant", "gpt", "model", "bot", "chatgpt", "bing", "bard"}, lower):
		return "assistant", nil
	}
	return "", fmt.Errorf("nobody known speaks: %q is neither system, user (human) nor assistant (gpt)", name)
}
