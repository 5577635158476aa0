// Command follow answers: does a variational autoencoder train here as it does
// in PyTorch? It never compares speed.
//
//	first weights, order of the images ──┬─► hourglass, 10 epochs ──► curve ─┐
//	                                     └─► bench/peers/vae_torch.py ► curve ┴─► table, verdict
//
// Both sides train the dense 784-400-20 on MNIST from the same weights, on the
// same batches, with Adam at 1e-3; only the noise of the codes differs. The exit
// code is 1 if an epoch's loss differs by more than half a per cent, or the last
// is above 106 nats an image. Without a Python that has torch it says so and
// shows the one curve.
package main
