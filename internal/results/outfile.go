package results

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// OutFile is a file that is written whole or not at all: until it is, what was
// there before stays.
type OutFile struct {
	path    string      // with symbolic links followed
	mode    fs.FileMode // of the file that is replaced; 0 where there is none
	special bool        // a device or pipe, which is written in place
}

// NewOutFile finds out whether path can be written, before anything is
// measured, and leaves it as it is.
func NewOutFile(path string) (*OutFile, error) {
	f := &OutFile{path: path}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		f.path = real
	}
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, cannotWrite(path, err)
	case info.IsDir():
		return nil, fmt.Errorf("%q is a directory: give the name of a file", path)
	default:
		f.mode, f.special = info.Mode().Perm(), !info.Mode().IsRegular()
		existing, err := os.OpenFile(f.path, os.O_WRONLY, 0)
		if err != nil {
			return nil, cannotWrite(path, err)
		}
		if err := existing.Close(); err != nil || f.special {
			return f, err
		}
	}
	probe, err := f.temp()
	if err != nil {
		return nil, cannotWrite(path, err)
	}
	return f, errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// Special says whether it is a device or a pipe: nothing can be put beside it.
func (f *OutFile) Special() bool { return f.special }

func cannotWrite(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("can't write %q: its directory %q does not exist", path, filepath.Dir(path))
	}
	return fmt.Errorf("can't write %q: %w", path, err)
}

// temp is a new file beside the one to write, so that renaming is atomic.
func (f *OutFile) temp() (*os.File, error) {
	mode := f.mode
	if mode == 0 {
		mode = 0o666
	}
	name := fmt.Sprintf(".%s.%s.tmp", filepath.Base(f.path), rand.Text()[:8])
	return os.OpenFile(filepath.Join(filepath.Dir(f.path), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

// Write calls write and puts what it wrote in place.
func (f *OutFile) Write(write func(io.Writer) error) (err error) {
	if f.special {
		out, err := os.OpenFile(f.path, os.O_WRONLY, 0)
		if err != nil {
			return cannotWrite(f.path, err)
		}
		return errors.Join(write(out), out.Close())
	}
	temp, err := f.temp()
	if err != nil {
		return cannotWrite(f.path, err)
	}
	defer func() {
		if err != nil {
			// The cause is told; what is left of the attempt goes, if it can.
			_ = os.Remove(temp.Name())
		}
	}()
	if err := errors.Join(write(temp), temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("writing %q: %w", f.path, err)
	}
	if err := os.Rename(temp.Name(), f.path); err != nil {
		return fmt.Errorf("putting %q in place: %w", f.path, err)
	}
	return nil
}
