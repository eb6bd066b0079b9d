// The go-i2cp client library as a peer in tests. It connects to 127.0.0.1:7654: version 0.1.67 ignores the properties
// i2cp.tcp.host and i2cp.tcp.port (its transport resolves the default address when it is made). It prints received messages as JSON lines and reads
// commands from standard input: "send DEST PROTOCOL FROM_PORT TO_PORT BASE64", "close". DEST is I2P base64, the payload
// ordinary base64. Ports are printed and sent as go-i2cp gives and takes them: it has their byte order reversed.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	i2cp "github.com/go-i2p/go-i2cp"
)

const (
	sessionTimeout = 30 * time.Second
	idle           = 2 * time.Millisecond
	maxCommand     = 1 << 20
)

var output sync.Mutex

func report(fields map[string]any) {
	output.Lock()
	defer output.Unlock()
	line, _ := json.Marshal(fields)
	fmt.Println(string(line))
}

func main() {
	if err := run(); err != nil {
		report(map[string]any{"event": "failed", "detail": err.Error()})
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client := i2cp.NewClient(&i2cp.ClientCallBacks{
		OnDisconnect: func(_ *i2cp.Client, reason string, _ *interface{}) {
			report(map[string]any{"event": "disconnected", "detail": reason})
		},
	})
	if err := client.Connect(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer client.Close()

	ready := make(chan error, 1)
	session := i2cp.NewSession(client, i2cp.SessionCallbacks{
		OnMessage: onMessage,
		OnStatus: func(_ *i2cp.Session, status i2cp.SessionStatus) {
			var failure error
			if status != i2cp.I2CP_SESSION_STATUS_CREATED {
				failure = fmt.Errorf("session status %v", status)
			}
			select {
			case ready <- failure:
			default:
			}
		},
	})
	if err := client.CreateSession(ctx, session); err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	go process(ctx, client)
	select {
	case err := <-ready:
		if err != nil {
			return err
		}
	case <-time.After(sessionTimeout):
		return fmt.Errorf("no session within %v", sessionTimeout)
	}
	report(map[string]any{"event": "ready", "destination": session.Destination().Base64(), "b32": session.Destination().Base32()})
	return commands(session)
}

func process(ctx context.Context, client *i2cp.Client) {
	for ctx.Err() == nil {
		if err := client.ProcessIO(ctx); err != nil {
			report(map[string]any{"event": "error", "detail": err.Error()})
			return
		}
		time.Sleep(idle)
	}
}

func onMessage(_ *i2cp.Session, from *i2cp.Destination, protocol uint8, fromPort, toPort uint16, payload *i2cp.Stream) {
	sender := ""
	if from != nil {
		sender = from.Base64()
	}
	digest := sha256.Sum256(payload.Bytes())
	report(map[string]any{
		"event": "message", "protocol": protocol, "fromPort": fromPort, "toPort": toPort,
		"length": payload.Len(), "sha256": hex.EncodeToString(digest[:]), "from": sender,
	})
}

func commands(session *i2cp.Session) error {
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(make([]byte, 0, maxCommand), maxCommand)
	for scanner.Scan() {
		words := strings.Split(scanner.Text(), " ")
		if words[0] == "close" {
			err := session.Close()
			report(map[string]any{"event": "closed"})
			return err
		}
		if err := send(session, words); err != nil {
			report(map[string]any{"event": "error", "detail": err.Error()})
		} else {
			report(map[string]any{"event": "sent"})
		}
	}
	return scanner.Err()
}

func send(session *i2cp.Session, words []string) error {
	if len(words) != 6 || words[0] != "send" {
		return fmt.Errorf("unknown command %q", words[0])
	}
	to, err := i2cp.NewDestinationFromBase64(words[1], i2cp.NewCrypto())
	if err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	numbers := [3]uint64{}
	for i, word := range words[2:5] {
		if numbers[i], err = strconv.ParseUint(word, 10, 16); err != nil {
			return err
		}
	}
	payload, err := base64.StdEncoding.DecodeString(words[5])
	if err != nil {
		return err
	}
	return session.SendMessage(to, uint8(numbers[0]), uint16(numbers[1]), uint16(numbers[2]), i2cp.NewStream(payload), 1)
}
