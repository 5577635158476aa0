package data

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// published is a set that others publish.
type published struct {
	mirrors []string // addresses of the folder of its files
	files   []publishedFile
}

// publishedFile is a file with its checksum in hexadecimal digits: 32 of MD5
// where that is what the publisher states, or 64 of SHA-256.
type publishedFile struct{ name, sum string }

var publishedSets = map[string]published{
	"mnist": {
		mirrors: []string{
			"https://ossci-datasets.s3.amazonaws.com/mnist/",
			"https://storage.googleapis.com/cvdf-datasets/mnist/",
			"http://yann.lecun.com/exdb/mnist/",
		},
		files: []publishedFile{
			{"train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
			{"train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
			{"t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
			{"t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
		},
	},
	"fashion-mnist": {
		mirrors: []string{
			"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
			"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
		},
		files: []publishedFile{
			{"train-images-idx3-ubyte.gz", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
			{"train-labels-idx1-ubyte.gz", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
			{"t10k-images-idx3-ubyte.gz", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
			{"t10k-labels-idx1-ubyte.gz", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"},
		},
	},
	"kmnist": {
		mirrors: []string{
			"http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
			"https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
		},
		files: []publishedFile{
			{"train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"},
			{"train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"},
			{"t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"},
			{"t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"},
		},
	},
	"cifar10": {
		mirrors: []string{"https://www.cs.toronto.edu/~kriz/", "http://www.cs.toronto.edu/~kriz/"},
		files:   []publishedFile{{"cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"}},
	},
	"cifar100": {
		mirrors: []string{"https://www.cs.toronto.edu/~kriz/", "http://www.cs.toronto.edu/~kriz/"},
		files:   []publishedFile{{"cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"}},
	},
}

// Fetch downloads a set by name into its subfolder of o.Dir and returns that
// folder. Files that are there and whole are kept, half-loaded ones (.part)
// are gone on with, and each appears under its name only once its checksum
// has been verified.
func Fetch(ctx context.Context, name string, o Options) (dir string, err error) {
	set, ok := publishedSets[name]
	if !ok {
		return "", fmt.Errorf("fetch: there is no set %q; want mnist, fashion-mnist, kmnist, cifar10 or cifar100", name)
	}
	if dir, err = setDir(name, o); err != nil {
		return "", fmt.Errorf("fetch: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("fetch: %w", err)
	}
	if o.Mirror != "" {
		set.mirrors = []string{o.Mirror, joinPlace(o.Mirror, name)}
	}
	for _, file := range set.files {
		if err := file.fetch(ctx, set.mirrors, dir, o.Progress); err != nil {
			return "", fmt.Errorf("fetch %s: %w", name, err)
		}
	}
	return dir, nil
}

// joinPlace appends to the address of a folder, or to the path of one.
func joinPlace(place, name string) string {
	if isAddress(place) {
		return strings.TrimSuffix(place, "/") + "/" + url.PathEscape(name)
	}
	return filepath.Join(place, name)
}

func isAddress(place string) bool { return strings.Contains(place, "://") }

// fetch tries the mirrors one after the other.
func (f publishedFile) fetch(ctx context.Context, mirrors []string, dir string, progress func(string, int64, int64)) error {
	target := filepath.Join(dir, f.name)
	if f.verify(target) == nil {
		return nil
	}
	part := target + ".part"
	if f.verify(part) == nil { // stopped between the last byte and the name
		return os.Rename(part, target)
	}
	var failures []error
	for _, mirror := range mirrors {
		l := loading{place: joinPlace(mirror, f.name), part: part}
		l.progress = func(done, total int64) {
			if progress != nil {
				progress(f.name, done, total)
			}
		}
		err := f.loadVerified(ctx, l)
		if err == nil {
			return os.Rename(part, target)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: stopped; run it again to go on: %w", f.name, ctx.Err())
		}
		failures = append(failures, err)
	}
	return fmt.Errorf("no place gave a whole %s: %w", f.name, errors.Join(failures...))
}

// loadVerified loads a file and verifies it. What does not match is removed;
// if it had been begun at another time or place, it is loaded anew.
func (f publishedFile) loadVerified(ctx context.Context, l loading) error {
	for {
		begun := fileSize(l.part) > 0
		if err := l.load(ctx); err != nil {
			return err
		}
		err := f.verify(l.part)
		if err == nil {
			return nil
		}
		err = errors.Join(fmt.Errorf("%s: %w", l.place, err), os.Remove(l.part))
		if !begun {
			return err
		}
	}
}

// verify compares a file with the published checksum.
func (f publishedFile) verify(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := md5.New()
	if len(f.sum) == 2*sha256.Size {
		sum = sha256.New()
	}
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.sum {
		return fmt.Errorf("the checksum is %s, want %s", got, f.sum)
	}
	return nil
}

const (
	// attempts is how often in a row a transfer may end without a new byte.
	attempts = 3
	// stall is how long nothing may come before a transfer is given up.
	stall = 60 * time.Second
	// fetchBytes bounds a file of which the sender states no size.
	fetchBytes = 4 << 30
)

// errRefused is the answer of a server that trying again will not change.
var errRefused = errors.New("the server refused")

// loading is the transfer of one file from one place.
type loading struct {
	place, part string
	progress    func(done, total int64)
}

// load brings the whole file into part, beginning where it ends. As long as
// each transfer brings something, a broken one is taken up again.
func (l loading) load(ctx context.Context) error {
	for failures := 0; ; {
		before := fileSize(l.part)
		err := l.transfer(ctx, before)
		if err == nil || ctx.Err() != nil || errors.Is(err, errRefused) || errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if failures++; fileSize(l.part) > before {
			failures = 0
		}
		if failures == attempts {
			return err
		}
	}
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// transfer copies once, from byte start on if the sender can.
func (l loading) transfer(ctx context.Context, start int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(stall, func() { cancel(fmt.Errorf("nothing came for %v", stall)) })
	defer idle.Stop()
	body, start, total, err := l.open(ctx, start)
	if err != nil {
		return err
	}
	defer body.Close()
	file, err := os.OpenFile(l.part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Truncate(start); err != nil {
		return err
	}
	if _, err := file.Seek(start, io.SeekStart); err != nil {
		return err
	}
	if err := l.copy(file, body, start, total, idle); err != nil {
		return err
	}
	return file.Sync()
}

// copy writes what comes, reports progress and sets back the idle timer.
func (l loading) copy(file io.Writer, body io.Reader, done, total int64, idle *time.Timer) error {
	buffer := make([]byte, 256<<10)
	for {
		l.progress(done, total)
		n, err := body.Read(buffer)
		idle.Reset(stall)
		if n > 0 {
			if _, err := file.Write(buffer[:n]); err != nil {
				return err
			}
			done += int64(n)
		}
		switch {
		case done > fetchBytes:
			return fmt.Errorf("%s sends more than %d bytes: %w", l.place, int64(fetchBytes), errRefused)
		case err == io.EOF && total >= 0 && done != total:
			return fmt.Errorf("%s broke off after %d of %d bytes", l.place, done, total)
		case err == io.EOF:
			l.progress(done, done)
			return nil
		case err != nil:
			return fmt.Errorf("%s broke off after %d bytes: %w", l.place, done, err)
		}
	}
}

// open opens the place, from byte start on if it can, and returns where it
// begins and the size of the whole file, -1 if unknown.
func (l loading) open(ctx context.Context, start int64) (io.ReadCloser, int64, int64, error) {
	if !isAddress(l.place) {
		file, err := os.Open(l.place)
		if err != nil {
			return nil, 0, 0, err
		}
		info, err := file.Stat()
		if err != nil {
			return nil, 0, 0, errors.Join(err, file.Close())
		}
		return file, 0, info.Size(), nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.place, nil)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("%w: %w", errRefused, err)
	}
	if start > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", start))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, 0, 0, err
	}
	start, total, err := l.answer(response, start)
	if err != nil {
		return nil, 0, 0, errors.Join(err, response.Body.Close())
	}
	return response.Body, start, total, nil
}

// answer reads from which byte on the server sends, and how long the file is.
func (l loading) answer(response *http.Response, asked int64) (start, total int64, err error) {
	switch response.StatusCode {
	case http.StatusOK:
		return 0, response.ContentLength, nil
	case http.StatusPartialContent:
		var last int64
		header := response.Header.Get("Content-Range")
		if _, err := fmt.Sscanf(header, "bytes %d-%d/%d", &start, &last, &total); err == nil && start == asked {
			return start, total, nil
		}
		return 0, 0, fmt.Errorf("%s answers %q to a request from byte %d on: %w", l.place, header, asked, errRefused)
	case http.StatusRequestedRangeNotSatisfiable:
		// What is there is as long as the file or longer: begin anew.
		return 0, 0, errors.Join(fmt.Errorf("%s has nothing after byte %d", l.place, asked), os.Remove(l.part))
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return 0, 0, fmt.Errorf("%s answers %s", l.place, response.Status)
	}
	return 0, 0, fmt.Errorf("%s answers %s: %w", l.place, response.Status, errRefused)
}
