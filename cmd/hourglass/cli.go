package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"hourglass/internal/config"
	"hourglass/train"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitGate        = 3
	exitInterrupted = 130 // with a checkpoint; what a shell reports of Ctrl-C
)

// commands is the command line: its fields are the commands and the flags that
// all of them take. Help lists the commands in this order.
type commands struct {
	JSON  bool `name:"json" help:"Print one JSON object on standard output, and everything else on standard error."`
	Quiet bool `short:"q" help:"Print results only: no progress, no remarks."`

	HelpAll wholeHelp `help:"Show the flags that are seldom needed too."`

	Tour     tourCommand     `cmd:"" default:"withargs" group:"Train and judge" help:"Train a small autoencoder on drawn digits and judge it; what happens without a command."`
	Train    trainCommand    `cmd:"" group:"Train and judge" help:"Train an autoencoder, or resume a run."`
	Pretrain pretrainCommand `cmd:"" group:"Train and judge" help:"Train the layers one by one, each on what those before it make of the images, then the whole."`
	Eval     evalCommand     `cmd:"" group:"Train and judge" help:"Measure a run on its test images, beside PCA and the mean image."`
	Probe    probeCommand    `cmd:"" group:"Train and judge" help:"Ask how much a linear classifier reads from the codes, beside PCA and raw pixels."`
	Report   reportCommand   `cmd:"" group:"Train and judge" help:"Write the report of a run: one HTML file with curves, images and codes."`
	Compare  compareCommand  `cmd:"" group:"Train and judge" help:"Set runs side by side: how they ended, and what differs between them."`

	Data   dataCommands   `cmd:"" group:"Images and settings" help:"List, inspect, fetch, look at and export images."`
	Config configCommands `cmd:"" group:"Images and settings" help:"Print, check and explain configurations."`

	Recon      reconCommand      `cmd:"" group:"Use a trained model" help:"Reconstruct images with a trained model, as a PNG."`
	Encode     encodeCommand     `cmd:"" group:"Use a trained model" help:"Write the codes of images as NPY, NPZ or CSV, and a map of them."`
	Decode     decodeCommand     `cmd:"" group:"Use a trained model" help:"Make images from codes."`
	Score      scoreCommand      `cmd:"" group:"Use a trained model" help:"Find anomalies: score images by how unlike the training images they are."`
	Denoise    denoiseCommand    `cmd:"" group:"Use a trained model" help:"Take noise out of pictures, and measure what that gains."`
	Compress   compressCommand   `cmd:"" group:"Use a trained model" help:"Compress images to one file with a trained model, beside JPEG."`
	Decompress decompressCommand `cmd:"" group:"Use a trained model" help:"Decompress such a file to pictures."`

	Sample      sampleCommand      `cmd:"" group:"Make new images" help:"Draw new images: codes by chance, decoded."`
	Interpolate interpolateCommand `cmd:"" group:"Make new images" help:"Walk from one image to another through their codes, as a PNG or an animated GIF."`
	Traverse    traverseCommand    `cmd:"" group:"Make new images" help:"Show what each dimension of the code does, as a PNG."`

	Runs    runsCommand    `cmd:"" group:"Look" help:"List the runs."`
	Info    infoCommand    `cmd:"" group:"Look" help:"Show the layers of a model, with shapes, parameters and work."`
	Graph   graphCommand   `cmd:"" group:"Look" help:"Draw a model as an hourglass (SVG) or as a graph (DOT)."`
	Explore exploreCommand `cmd:"" group:"Look" help:"Walk through the code space of a run in the browser."`

	Export exportCommand `cmd:"" group:"Exchange with others" help:"Write a trained model for PyTorch, onnxruntime and others."`
	Import importCommand `cmd:"" group:"Exchange with others" help:"Make a run from weights that were trained in PyTorch."`
	Serve  serveCommand  `cmd:"" group:"Exchange with others" help:"Answer requests over HTTP: encode, decode, reconstruct, score."`

	Bench      benchCommand      `cmd:"" group:"This machine" help:"Measure the speed of training, beside the machine's limits and other engines."`
	Doctor     doctorCommand     `cmd:"" group:"This machine" help:"Say what this machine offers, and test that it computes correctly."`
	Completion completionCommand `cmd:"" group:"This machine" help:"Print a completion script for a shell."`
	Manual     manualCommand     `cmd:"" group:"This machine" help:"Write the manual pages."`
	Version    versionCommand    `cmd:"" group:"This machine" help:"Print the version."`
}

const about = `Hourglass trains autoencoders and says how good they are.

Without a command it gives a tour of two minutes. Then, on a folder of
pictures: hourglass train ./pictures/conv`

// usage is an error in what was typed or configured, for which the exit code
// is 2.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// gateMissed is the error of a measurement that does not reach what was asked.
type gateMissed struct{ sentence string }

func (g gateMissed) Error() string { return g.sentence }

// helped is what kong's request to exit, after it has printed help, becomes.
type helped struct{}

// run is the whole program: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case helped:
			code = exitDone
		default:
			fmt.Fprintf(stderr, "hourglass: a fault in the program, not in what you did: %s; please report it with the command that you gave\n", firstLine(fmt.Sprint(fault)))
			code = exitFailed
		}
	}()
	err := dispatch(ctx, args, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "hourglass: "+oneSentence(err))
	}
	return exitCode(err)
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var root commands
	parser, err := newParser(&root, stdout, stderr)
	if err != nil {
		return err
	}
	if len(args) > 0 && args[0] == "help" { // as in other tools
		args = append(append([]string{}, args[1:]...), "--help")
	}
	args = joinNumbers(args)
	if err := knownCommand(parser.Model.Node, args); err != nil {
		return usage{err}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return usage{parseError(err, len(args) > 0 && !strings.HasPrefix(args[0], "-"))}
	}
	a := newSession(ctx, root, parsed, stdout, stderr)
	return parsed.Run(a)
}

func newParser(root *commands, stdout, stderr io.Writer) (*kong.Kong, error) {
	parser, err := kong.New(root,
		kong.Name("hourglass"), kong.Description(about), kong.Writers(stdout, stderr),
		kong.Exit(func(int) { panic(helped{}) }),
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: true}),
	)
	if err != nil {
		return nil, fmt.Errorf("building the command line: %w", err)
	}
	describeKeys(parser.Model.Node, config.Keys())
	return parser, nil
}

// describeKeys shows in the help of each flag that sets a key what the key is
// without it, and what there is to choose from.
func describeKeys(node *kong.Node, keys []config.Key) {
	const longest = 24 // characters of a default that still helps
	for _, flag := range node.Flags {
		for _, k := range keys {
			if k.Flag != flag.Name || k.Meaning != flag.Help {
				continue
			}
			flag.PlaceHolder = k.Default
			if k.Default == "" || len(k.Default) > longest {
				flag.PlaceHolder = "TEXT"
			}
			if len(k.Choices) > 0 {
				flag.Help += " Choose among " + strings.Join(k.Choices, ", ") + "."
			}
		}
	}
	for _, child := range node.Children {
		describeKeys(child, keys)
	}
}

func exitCode(err error) int {
	var gate gateMissed
	var typed usage
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &gate):
		return exitGate
	case errors.Is(err, train.ErrInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &typed):
		return exitUsage
	}
	return exitFailed
}

// oneSentence is an error in one line.
func oneSentence(err error) string {
	if errors.Is(err, context.Canceled) && !errors.Is(err, train.ErrInterrupted) {
		return "interrupted"
	}
	text := err.Error()
	var missing *fs.PathError
	if errors.As(err, &missing) && errors.Is(missing, fs.ErrNotExist) {
		text = strings.Replace(text, missing.Error(), missing.Path+" does not exist", 1)
	}
	return strings.Join(strings.Fields(text), " ")
}

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text
}

// lookup reads the few variables by which terminals describe themselves.
var lookup = os.LookupEnv
