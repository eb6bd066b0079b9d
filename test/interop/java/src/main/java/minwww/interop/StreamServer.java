package minwww.interop;

import java.net.Socket;
import net.i2p.client.streaming.I2PServerSocket;
import net.i2p.client.streaming.I2PSocket;
import net.i2p.client.streaming.I2PSocketManager;
import net.i2p.client.streaming.I2PSocketManagerFactory;
import net.i2p.data.Destination;

/** I2PTunnel's server side: accepts streams and forwards each to a TCP target. {@code --i2cp H:P --target H:P}. */
public final class StreamServer {
    public static void main(String[] args) throws Exception {
        Arguments a = new Arguments(args);
        I2PSocketManager manager = I2PSocketManagerFactory.createManager(a.host("i2cp"), a.port("i2cp"), a.sessionOptions());
        if (manager == null) throw new IllegalStateException("no session");
        I2PServerSocket server = manager.getServerSocket();
        Destination self = manager.getSession().getMyDestination();
        Json.print("event", "ready", "destination", self.toBase64(), "b32", self.toBase32());
        while (true) {
            I2PSocket stream = server.accept();
            if (stream == null) continue;
            try {
                Pipe.run(new Socket(a.host("target"), a.port("target")), stream);
            } catch (java.io.IOException e) {
                stream.reset();
            }
        }
    }
}
