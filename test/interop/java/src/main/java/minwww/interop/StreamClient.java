package minwww.interop;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import net.i2p.client.streaming.I2PSocketManager;
import net.i2p.client.streaming.I2PSocketManagerFactory;
import net.i2p.data.Destination;

/**
 * I2PTunnel's client side: a TCP port, each connection of which becomes a stream. {@code --i2cp H:P --destination BASE64}; in place of the
 * base64 a name, which the router looks up for each connection.
 */
public final class StreamClient {
    private static final long LOOKUP_MS = 20_000;

    public static void main(String[] args) throws Exception {
        Arguments a = new Arguments(args);
        I2PSocketManager manager = I2PSocketManagerFactory.createManager(a.host("i2cp"), a.port("i2cp"), a.sessionOptions());
        if (manager == null) throw new IllegalStateException("no session");
        Destination self = manager.getSession().getMyDestination();
        String name = a.get("destination");
        Destination peer = name.endsWith(".i2p") ? null : new Destination(name);
        ServerSocket listener = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
        Json.print("event", "ready", "destination", self.toBase64(), "b32", self.toBase32(), "port", listener.getLocalPort());
        while (true) {
            Socket tcp = listener.accept();
            tcp.setTcpNoDelay(true);
            new Thread(() -> open(manager, peer, name, tcp)).start();
        }
    }

    private static void open(I2PSocketManager manager, Destination peer, String name, Socket tcp) {
        try {
            Destination found = peer != null ? peer : manager.getSession().lookupDest(name, LOOKUP_MS);
            if (found == null) throw new IllegalStateException("not found: " + name);
            Pipe.run(tcp, manager.connect(found));
        } catch (Exception e) {
            Json.print("event", "failed", "detail", e.toString());
            try {
                tcp.close();
            } catch (java.io.IOException ignored) {
                // already closed
            }
        }
    }
}
