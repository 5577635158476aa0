package exchange_test

import (
	"fmt"
	"log"
	"strings"

	"hourglass/models"
	"hourglass/models/exchange"
)

func ExampleScript() {
	m, err := models.New(models.Linear(models.Shape{C: 1, H: 8, W: 8}, 4), 1)
	if err != nil {
		log.Fatal(err)
	}
	script, err := exchange.Script(m, "A linear autoencoder.")
	if err != nil {
		log.Fatal(err)
	}
	_, class, _ := strings.Cut(string(script), "super().__init__()\n")
	class, _, _ = strings.Cut(class, "\n\n")
	fmt.Println(class)
	// Output:
	//         self.encoder = nn.Sequential(
	//             nn.Flatten(),  # 0: 64
	//         )
	//         self.bottleneck = nn.Linear(64, 4)
	//         self.decoder = nn.Sequential(
	//             nn.Linear(4, 64),  # 0: 64
	//             nn.Unflatten(1, (1, 8, 8)),  # 1: 1x8x8
	//         )
}
