package config

import (
	"hourglass/kernels"
	"hourglass/models"
)

// Config is everything that decides how a run goes, but for the device it runs
// on. The tags of a field are its name in files (with _ for -) and as a flag,
// its meaning, and what it may be: an interval of numbers, the name of a list
// of choices, or a form in words. often marks what a newcomer needs, and the short
// help of commands shows.
type Config struct {
	Data  Data  `name:"data" embed:"" group:"Data"`
	Model Model `name:"model" embed:"" group:"Model"`
	Train Train `name:"train" embed:"" group:"Training"`
	Out   Out   `name:"out" embed:"" group:"Output"`
}

// Data says what the images are.
type Data struct {
	Source     string  `name:"source" often:"" help:"Where the images come from." form:"a name that 'hourglass data list' shows, or the path of a folder or file"`
	Shape      string  `name:"shape" often:"" help:"Shape to which every image is scaled and cut; empty keeps the source's own." form:"CxHxW, as in 3x32x32, or empty"`
	Validation float64 `name:"validation" often:"" help:"Part of the training images on which every epoch is judged: a fraction below 1, or a count." range:"[0,)"`
	Test       float64 `name:"test" help:"Part put apart for the final test where the source has no test images of its own: a fraction below 1, or a count." range:"[0,)"`
	Only       string  `name:"only" help:"Labels of the images that are kept for training and validation, by name or number; empty keeps all." form:"labels between commas, as in 3 or cat,dog, or empty"`
	OnCorrupt  string  `name:"on-corrupt" help:"What becomes of a damaged picture in a folder." choices:"corrupt"`
	Background int     `name:"background" help:"Grey level laid under transparent pixels, from black to white." range:"[0,255]"`
	Binarise   bool    `name:"binarise" help:"Draw every pixel as black or white, white with the probability that is its grey level: once, the same in every epoch." form:"true or false"`
	Flip       bool    `name:"flip" help:"Mirror half of the training images, left to right." form:"true or false"`
	Shift      int     `name:"shift" help:"Move training images by up to so many pixels, repeating the edge." range:"[0,65535]"`
	Crop       int     `name:"crop" help:"Cut training images out of a black border of so many pixels." range:"[0,65535]"`
}

// Model says what autoencoder is trained.
type Model struct {
	Kind       string  `name:"kind" often:"" help:"Family of the model: ae makes a code a function of the image, vae a normal distribution from which one can sample; 'hourglass config explain model.kind' says what each is, and docs/models.md how well they do." choices:"kinds"`
	Encoder    string  `name:"encoder" often:"" help:"Layers from the image towards the code." form:"layers between bars, as in 'conv 32 k3 s2 relu | conv 64 k3 s2 relu'; empty for none"`
	Latent     int     `name:"latent" often:"" help:"Size of the code, reached by one more linear layer; 0 takes the encoder's output as the code." range:"[0,1048576]"`
	Spatial    bool    `name:"spatial" help:"Make the code an image as large as the encoder's output, which must be one; latent then counts its channels." form:"true or false"`
	Decoder    string  `name:"decoder" help:"Layers from the code to the image; empty mirrors the encoder." form:"layers between bars, or empty"`
	Tied       bool    `name:"tied" help:"Make a mirrored decoder use the encoder's weights, transposed." form:"true or false"`
	Loss       string  `name:"loss" often:"" help:"How a reconstruction is compared with its image." choices:"losses"`
	Corrupt    string  `name:"corrupt" often:"" help:"Damage done to the images that the encoder sees in training, so that it learns to undo it." form:"gaussian, mask, saltpepper, speckle or blur with an amount, as in 'gaussian 0.4'; several between bars; empty for none"`
	Beta       float64 `name:"beta" often:"" help:"Weight of the divergence of the codes from their prior, or of their correlation in tcvae; kinds whose codes have no distribution ignore it." range:"(0,1000000]"`
	WarmUp     float64 `name:"warm-up" help:"Part of all steps over which the divergence of the codes, or their capacity, grows from nothing." range:"[0,1]"`
	Capacity   float64 `name:"capacity" help:"Nats an image that the codes of a vae are held at, growing over the warm-up; 0 for none." range:"[0,1000000]"`
	FreeBits   float64 `name:"free-bits" help:"Nats that each element of a vae's code may diverge before training pays for it; 0 for none." range:"[0,1000]"`
	Penalty    float64 `name:"penalty" help:"Weight of what a regularised kind pays beside its reconstruction: sparsity, contraction, the decoder's smoothness, the discrepancy of codes from their prior, or being told apart by a discriminator; 0 takes one that suits the loss." range:"[0,1000000]"`
	Target     float64 `name:"target" help:"Mean activity of each element of a sparse code; 0 pulls their magnitudes to zero instead. Other kinds ignore it." range:"[0,1)"`
	Samples    int     `name:"samples" help:"Codes drawn an image by iwae; other kinds ignore it." range:"[1,1000]"`
	Components int     `name:"components" help:"Learned images whose codes make up the prior of vamp; other kinds ignore it." range:"[2,100000]"`
	Classes    int     `name:"classes" help:"Classes that cvae is told of; 0 takes those of the data. Other kinds ignore it." range:"[0,100000]"`
	Entries    int     `name:"entries" help:"Entries in the codebook of a vq; other kinds ignore it." range:"[2,65536]"`
	Dim        int     `name:"dim" help:"Numbers in an entry of the codebook of a vq: a divisor of the channels that the encoder ends with; 0 takes all of them. Other kinds ignore it." range:"[0,1048576]"`
	Decay      float64 `name:"decay" help:"Decay of the running means that the entries of a vq's codebook are; other kinds ignore it." range:"(0,1)"`
	Commit     float64 `name:"commitment" help:"Weight in the loss of a vq of the distance between what is encoded and the entries that stand for it; other kinds ignore it." range:"(0,1000000]"`
	Revive     float64 `name:"revive" help:"Part of its fair share of use below which an entry of a vq's codebook is dead, and replaced by what the encoder makes of an image; 0 for never. Other kinds ignore it." range:"[0,1)"`
	Levels     string  `name:"levels" help:"Sizes of the codes of an hvae, from the image upwards; together they are its code, for which it ignores latent. Other kinds ignore it." form:"two sizes or more between commas, as in 20,10"`
	Variance   float64 `name:"variance" help:"Variance of a pixel about its reconstruction: fixed in the loss gaussian, where it begins in those that learn it; the others ignore it." range:"(0,1000000]"`
	Output     string  `name:"output" help:"Function applied to the decoder's output; bernoulli takes identity, its sigmoid being part of the loss." form:"identity, relu, leakyrelu[:SLOPE], elu[:SCALE], silu, gelu, tanh, sigmoid or softplus"`
	Init       string  `name:"init" help:"Distribution of the first weights, uniform on ±bound: fanin is 1/√fan-in as in PyTorch, he and xavier are larger." choices:"inits"`
}

// Train says how the model is fitted.
type Train struct {
	Epochs       int     `name:"epochs" often:"" help:"Passes over the training images. A set so small that the default, or the preset's number, makes fewer than 2000 steps takes as many as make them, up to 100, unless a number is given." range:"[1,1000000]"`
	Batch        int     `name:"batch" often:"" help:"Images in a step." range:"[1,1048576]"`
	Optimiser    string  `name:"optimiser" help:"Update rule." choices:"rules"`
	Rate         float64 `name:"rate" often:"" help:"Learning rate, before the schedule." range:"(0,1000]"`
	Momentum     float64 `name:"momentum" help:"Momentum of sgd; the others ignore it." range:"[0,1)"`
	Beta1        float64 `name:"beta1" help:"Decay of the mean gradient in adam and adamw." range:"[0,1)"`
	Beta2        float64 `name:"beta2" help:"Decay of the mean squared gradient in adam and adamw." range:"[0,1)"`
	Epsilon      float64 `name:"epsilon" help:"Added to the root of the mean squared gradient in adam and adamw." range:"(0,1]"`
	WeightDecay  float64 `name:"weight-decay" help:"Pull of the parameters towards zero: added to the gradient, or decoupled from it in adamw." range:"[0,1000]"`
	Clip         float64 `name:"clip" help:"Greatest Euclidean norm of the whole gradient; 0 does not clip." range:"[0,)"`
	Schedule     string  `name:"schedule" help:"How the learning rate changes." form:"constant; step EPOCHS FACTOR; cosine [FLOOR]; or 'warmup STEPS,' before one of these"`
	Patience     int     `name:"patience" often:"" help:"Epochs without a better validation loss after which training stops; 0 never stops early." range:"[0,1000000]"`
	Pretrain     int     `name:"pretrain" help:"Epochs for which each layer is trained alone, on what the layers before it make of the images, before the whole is; 0 trains the whole from the start." range:"[0,1000000]"`
	PretrainMask float64 `name:"pretrain-mask" help:"Part of what a layer is given that is set to zero while it is trained alone." range:"[0,1)"`
	OnCollapse   string  `name:"on-collapse" often:"" help:"What becomes of a run whose output no longer follows the image: the average image, a posterior or a codebook that says nothing. warn goes on, stop ends it with the remedy, fix begins once again with it." choices:"collapse"`
	Resident     string  `name:"resident" help:"Whether the training images are put on a GPU, as bytes, and batches made there: auto does so if they take at most half of its free memory, off never. Either gives the same batches, bit for bit." choices:"resident"`
	Seed         uint64  `name:"seed" often:"" help:"Seed of the first weights, of the order of the images and of every random number in training." form:"a whole number from 0"`
}

// Out says what is written, and where.
type Out struct {
	Dir         string `name:"dir" often:"" help:"Folder that holds the folders of runs." form:"a path"`
	Name        string `name:"name" often:"" help:"Name of the run's folder; empty makes one of date, source and preset." form:"a name without slashes, or empty"`
	Every       int    `name:"every" help:"Steps between two checkpoints; 0 saves one after every epoch." range:"[0,1000000000]"`
	Keep        int    `name:"keep" help:"Newest checkpoints that are kept, beside the best." range:"[1,1000000]"`
	Images      int    `name:"images" help:"Images in the sample sheet of every epoch; 0 writes no sheets." range:"[0,1024]"`
	TensorBoard bool   `name:"tensorboard" negatable:"" help:"Write event files for TensorBoard into the run's folder." form:"true or false"`
}

// Choices of train.resident.
const (
	Auto = "auto"
	Off  = "off"
)

// defaultPreset is where every run starts from.
const defaultPreset = "conv"

// Default is the configuration of a run that is told nothing.
func Default() Config {
	c := Config{
		Data: Data{Source: "glyphs", Validation: 0.1, Test: 0.1, OnCorrupt: "skip"},
		Model: Model{
			Kind: Autoencoder,
			Loss: string(models.MSE),
			Beta: 1, Variance: models.DefaultVariance, Samples: 5, Components: 64,
			Entries: models.DefaultEntries, Decay: models.DefaultDecay, Commit: models.DefaultCommitment, Revive: models.DefaultRevive,
			Levels: "20,10",
			Output: kernels.Identity.String(),
			Init:   string(models.FanIn),
		},
		Train: Train{
			Epochs: 5, Batch: 128, Optimiser: kernels.Adam.String(), Rate: 1e-3,
			Momentum: 0.9, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Schedule: "constant", OnCollapse: Warn, PretrainMask: 0.25, Resident: Auto, Seed: 1,
		},
		// What was not written for TensorBoard during a run cannot be had after it.
		Out: Out{Dir: "runs", Keep: 3, Images: 8, TensorBoard: true},
	}
	presets[defaultPreset].apply(&c)
	return c
}
