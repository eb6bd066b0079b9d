package minwww.interop;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Properties;
import net.i2p.client.I2PClient;
import net.i2p.client.I2PClientFactory;
import net.i2p.client.I2PSession;
import net.i2p.client.I2PSessionMuxedListener;
import net.i2p.client.datagram.I2PDatagramDissector;
import net.i2p.client.datagram.I2PDatagramMaker;
import net.i2p.data.Destination;

/**
 * The Java client library by itself: {@code --i2cp H:P}. Prints received messages as JSON lines; reads commands from
 * standard input: {@code send DEST PROTOCOL FROM_PORT TO_PORT BASE64}, {@code datagram DEST FROM_PORT TO_PORT BASE64},
 * {@code lookup NAME}, {@code bandwidth}, {@code close}. DEST is I2P base64, the payload ordinary base64.
 */
public final class I2cpEcho implements I2PSessionMuxedListener {
    private static final long LOOKUP_TIMEOUT_MS = 15_000;

    public static void main(String[] args) throws Exception {
        Properties options = new Arguments(args).sessionOptions();
        I2PClient client = I2PClientFactory.createClient();
        ByteArrayOutputStream keys = new ByteArrayOutputStream();
        client.createDestination(keys, net.i2p.crypto.SigType.EdDSA_SHA512_Ed25519);
        I2PSession session = client.createSession(new ByteArrayInputStream(keys.toByteArray()), options);
        session.addMuxedSessionListener(new I2cpEcho(), I2PSession.PROTO_ANY, I2PSession.PORT_ANY);
        session.connect();
        Destination self = session.getMyDestination();
        Json.print("event", "ready", "destination", self.toBase64(), "b32", self.toBase32(), "router", session.getRouterVersion());
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = commands.readLine()) != null; ) {
            try {
                if (!run(session, line.split(" "))) break;
            } catch (Exception e) {
                Json.print("event", "error", "detail", e.toString());
            }
        }
        session.destroySession();
        Json.print("event", "closed");
        System.exit(0);
    }

    private static boolean run(I2PSession session, String[] words) throws Exception {
        switch (words[0]) {
            case "send": {
                byte[] payload = Base64.getDecoder().decode(words.length > 5 ? words[5] : "");
                boolean accepted = session.sendMessage(new Destination(words[1]), payload, 0, payload.length, null, null, 0,
                    Integer.parseInt(words[2]), Integer.parseInt(words[3]), Integer.parseInt(words[4]));
                Json.print("event", "sent", "accepted", accepted);
                return true;
            }
            case "datagram": {
                byte[] datagram = new I2PDatagramMaker(session).makeI2PDatagram(Base64.getDecoder().decode(words[4]));
                boolean accepted = session.sendMessage(new Destination(words[1]), datagram, 0, datagram.length, null, null, 0,
                    I2PSession.PROTO_DATAGRAM, Integer.parseInt(words[2]), Integer.parseInt(words[3]));
                Json.print("event", "sent", "accepted", accepted);
                return true;
            }
            case "lookup": {
                Destination found = session.lookupDest(words[1], LOOKUP_TIMEOUT_MS);
                Json.print("event", "lookup", "found", found != null, "destination", found == null ? "" : found.toBase64());
                return true;
            }
            case "bandwidth":
                Json.print("event", "bandwidth", "limits", java.util.Arrays.toString(session.bandwidthLimits()));
                return true;
            case "close":
                return false;
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    @Override
    public void messageAvailable(I2PSession session, int id, long size, int protocol, int fromPort, int toPort) {
        try {
            byte[] payload = session.receiveMessage(id);
            String from = "";
            if (protocol == I2PSession.PROTO_DATAGRAM) {
                I2PDatagramDissector dissector = new I2PDatagramDissector();
                dissector.loadI2PDatagram(payload);
                from = dissector.getSender().toBase64(); // throws on a bad signature
                payload = dissector.getPayload();
            }
            Json.print("event", "message", "protocol", protocol, "fromPort", fromPort, "toPort", toPort,
                "length", payload.length, "sha256", sha256(payload), "from", from);
        } catch (Exception e) {
            Json.print("event", "error", "detail", e.toString());
        }
    }

    private static String sha256(byte[] bytes) throws Exception {
        StringBuilder hex = new StringBuilder();
        for (byte b : MessageDigest.getInstance("SHA-256").digest(bytes)) hex.append(String.format("%02x", b));
        return hex.toString();
    }

    @Override
    public void messageAvailable(I2PSession session, int id, long size) { messageAvailable(session, id, size, 0, 0, 0); }

    @Override
    public void reportAbuse(I2PSession session, int severity) { Json.print("event", "abuse"); }

    @Override
    public void disconnected(I2PSession session) { Json.print("event", "disconnected"); }

    @Override
    public void errorOccurred(I2PSession session, String message, Throwable error) {
        Json.print("event", "error", "detail", message + " " + error);
    }
}
