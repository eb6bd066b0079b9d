package minwww.interop;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import net.i2p.client.streaming.I2PSocket;

/** Copies both directions between a TCP connection and a stream, with half-close on the TCP side, as I2PTunnel does. */
final class Pipe {
    private static final int BUFFER = 32 * 1024;

    private Pipe() {}

    static void run(Socket tcp, I2PSocket stream) {
        Thread inward = start(() -> copy(stream.getInputStream(), tcp.getOutputStream()), () -> tcp.shutdownOutput());
        Thread outward = start(() -> copy(tcp.getInputStream(), stream.getOutputStream()), () -> stream.getOutputStream().close());
        start(() -> {
            inward.join();
            outward.join();
        }, () -> {
            stream.close();
            tcp.close();
        });
    }

    private interface Step { void run() throws Exception; }

    private static Thread start(Step work, Step afterwards) {
        Thread thread = new Thread(() -> {
            attempt(work);
            attempt(afterwards);
        });
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static void attempt(Step step) {
        try {
            step.run();
        } catch (Exception e) {
            System.err.println("pipe: " + e);
        }
    }

    private static void copy(InputStream from, OutputStream to) throws IOException {
        byte[] buffer = new byte[BUFFER];
        for (int n; (n = from.read(buffer)) >= 0; ) {
            to.write(buffer, 0, n);
            to.flush();
        }
    }
}
