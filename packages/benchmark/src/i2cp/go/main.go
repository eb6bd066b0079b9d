// go-i2cp as a peer of the benchmark of I2CP clients: the same commands and lines as our-peer.ts. It connects to
// 127.0.0.1:7654, whatever it is told (version 0.1.67).
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	i2cp "github.com/go-i2p/go-i2cp"
)

const (
	protocol       = 18
	sessionTimeout = 30 * time.Second
	// Without batching a message leaves only after 100 ms in which nothing arrived.
	batchTimer = time.Millisecond
	batchSize  = 1
)

type peer struct {
	session  *i2cp.Session
	arrivals chan int
}

func report(fields map[string]any) {
	line, _ := json.Marshal(fields)
	fmt.Println(string(line))
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client := i2cp.NewClient(&i2cp.ClientCallBacks{})
	if err := client.Connect(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer client.Close()
	client.EnableBatching(batchTimer, batchSize)

	p := &peer{arrivals: make(chan int, 1<<16)}
	ready := make(chan struct{}, 1)
	p.session = i2cp.NewSession(client, i2cp.SessionCallbacks{
		OnMessage: func(_ *i2cp.Session, _ *i2cp.Destination, _ uint8, _, _ uint16, payload *i2cp.Stream) {
			p.arrivals <- payload.Len()
		},
		OnStatus: func(_ *i2cp.Session, status i2cp.SessionStatus) {
			if status == i2cp.I2CP_SESSION_STATUS_CREATED {
				select {
				case ready <- struct{}{}:
				default:
				}
			}
		},
	})
	if err := client.CreateSession(ctx, p.session); err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	go func() {
		for ctx.Err() == nil {
			if err := client.ProcessIO(ctx); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(sessionTimeout):
		return fmt.Errorf("no session within %v", sessionTimeout)
	}
	report(map[string]any{"event": "ready", "destination": p.session.Destination().Base64()})
	return p.commands()
}

func (p *peer) commands() error {
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(make([]byte, 0, 1<<16), 1<<16)
	for scanner.Scan() {
		words := strings.Split(scanner.Text(), " ")
		if len(words) != 5 {
			return fmt.Errorf("unknown command %q", words[0])
		}
		to, err := i2cp.NewDestinationFromBase64(words[1], i2cp.NewCrypto())
		if err != nil {
			return err
		}
		numbers := [3]int{}
		for i, word := range words[2:] {
			if numbers[i], err = strconv.Atoi(word); err != nil {
				return err
			}
		}
		before := cpu()
		report(map[string]any{"event": "listening"})
		if words[0] == "send" {
			err = p.send(to, numbers[0], numbers[1], numbers[2])
		} else {
			err = p.receive(to, numbers[0], numbers[1])
		}
		if err != nil {
			return err
		}
		report(map[string]any{"event": "done", "cpu": cpu() - before})
	}
	return scanner.Err()
}

// send sends count messages of size bytes, at most window ahead of what the receiver has counted.
func (p *peer) send(to *i2cp.Destination, count, size, window int) error {
	payload := make([]byte, size)
	rand.Read(payload)
	credit := window
	step := window / 4
	for sent := 0; sent < count; {
		for ; sent < credit && sent < count; sent++ {
			if err := p.message(to, payload); err != nil {
				return err
			}
		}
		if sent < count {
			<-p.arrivals
			credit += step
		}
	}
	for credit-window < count/step*step {
		<-p.arrivals
		credit += step
	}
	return nil
}

// receive counts count messages, and tells the sender after every step of them.
func (p *peer) receive(to *i2cp.Destination, count, step int) error {
	for received := 1; received <= count; received++ {
		<-p.arrivals
		if received%step == 0 {
			if err := p.message(to, []byte{1}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *peer) message(to *i2cp.Destination, payload []byte) error {
	return p.session.SendMessage(to, protocol, 0, 0, i2cp.NewStream(payload), 0)
}

// cpu is what this process has used, in ms.
func cpu() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}
