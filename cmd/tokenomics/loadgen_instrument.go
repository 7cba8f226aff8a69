package main

import (
	"errors"
	"fmt"
	"io/fs"

	"tokenomics/internal/results"
	"tokenomics/loadgen/calibration"
)

// uncalibrated is what --calibration is to do without one.
const uncalibrated = "none"

// calibration is this machine's, nil where there is none, and what to say about
// that. A file that was named has to be one.
func (p *loadgenPlan) calibration() (c *calibration.Calibration, hint string, err error) {
	path := p.calibrationFile
	switch path {
	case uncalibrated:
		return nil, "", nil
	case "":
		if path, err = calibrationFile(); err != nil {
			return nil, "", nil // without such a directory none was kept
		}
	}
	c, err = calibration.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && p.calibrationFile == "":
		return nil, "How far these figures can be off on this machine is not known: tokenomics calibrate measures it.", nil
	case err != nil && p.calibrationFile != "":
		return nil, "", usageError(fmt.Errorf("--calibration: %w", err))
	case err != nil:
		return nil, "", runError(err) // calibrate wrote it, nobody named it
	case c.Machine != calibration.ThisMachine():
		return nil, fmt.Sprintf("The calibration in %s is of another machine: tokenomics calibrate makes one of this.", path), nil
	}
	return c, "", nil
}

// judge adds what the tool itself did to a point's figures, and where the time
// went that passed a proxy.
func (s *loadgenSession) judge(p *results.Point, m results.Measured) {
	p.Instrument, p.Hop = calibration.Instrument(m, s.calibration), s.hops.of(m.Name)
	for _, why := range p.Instrument.Invalid {
		s.notes.add(fmt.Sprintf("%s %s is INVALID: %s", m.Load.Shape, m.Name, why))
	}
}
